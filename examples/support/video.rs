//! Moving pictures: drawn, from a Y4M file, or already encoded in an IVF file.

use crate::UsageError;
use crate::drawing::{self, Drawing, read_number};
use crate::ivf::IvfFile;
use crate::psnr::psnr_y;
use crate::y4m_file::Y4mFile;
use anyhow::Result;
use core::fmt;
use core::time::Duration;
use std::io::Read;
use std::path::{Path, PathBuf};
use visavis_codec::{EncodedFrame, Picture, PictureView};

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VideoCodec {
    /// H.264, encoded by OpenH264.
    H264,
    /// AV1, from an IVF file.
    Av1,
}

impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "h264",
            Self::Av1 => "av1",
        })
    }
}

/// One moment of the video.
#[derive(Debug, Clone, Copy)]
pub struct Shot<'a> {
    /// Counts from 0, across repetitions.
    pub number: u32,
    /// What is to be sent.
    pub image: Image<'a>,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub enum Image<'a> {
    /// A picture to be encoded.
    Raw(PictureView<'a>),
    /// A frame that is sent as it is.
    Encoded(EncodedFrame<'a>),
}

/// A camera without end: drawn pictures, or a file that is repeated.
#[derive(Debug)]
pub struct VideoSource {
    kind: Kind,
    next: u32,
}

#[derive(Debug)]
enum Kind {
    Drawn(Drawing, Picture),
    Y4m(Y4mFile, PathBuf),
    Ivf(IvfFile),
}

impl VideoSource {
    /// A file, told apart by its first bytes, or drawn pictures without one; those of different
    /// `variant` differ.
    ///
    /// # Errors
    /// [`UsageError`] if the file is missing, damaged, of another kind, or doesn't go with `codec`.
    pub fn open(path: Option<&Path>, codec: Option<VideoCodec>, variant: u32) -> Result<Self> {
        let kind = match path {
            Some(path) => Kind::open(path).map_err(|problem| UsageError::file(path, &problem))?,
            None => Kind::drawn(variant)?,
        };
        match (codec, kind.codec()) {
            (Some(VideoCodec::Av1), VideoCodec::H264) => Err(UsageError::new(
                "--video-codec av1 needs an IVF file with AV1: visavis has no AV1 encoder",
            )),
            (Some(VideoCodec::H264), VideoCodec::Av1) => Err(UsageError::new(
                "--video-codec h264 can't send an IVF file: it is sent as it is, as AV1",
            )),
            _ => Ok(Self { kind, next: 0 }),
        }
        .map_err(Into::into)
    }

    /// What goes over the wire.
    #[must_use]
    pub fn codec(&self) -> VideoCodec {
        self.kind.codec()
    }

    /// From one shot to the next.
    #[must_use]
    pub fn frame_interval(&self) -> Duration {
        match &self.kind {
            Kind::Drawn(..) => Duration::from_secs(1) / 30,
            Kind::Y4m(file, _) => file.frame_interval(),
            Kind::Ivf(file) => file.frame_interval(),
        }
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        match &self.kind {
            Kind::Drawn(..) => (drawing::WIDTH, drawing::HEIGHT),
            Kind::Y4m(file, _) => file.size(),
            Kind::Ivf(file) => file.size(),
        }
    }

    /// The next shot.
    ///
    /// # Errors
    /// If the file changed or went away meanwhile.
    pub fn shoot(&mut self) -> Result<Shot<'_>> {
        let number = self.next;
        self.next = number.wrapping_add(1);
        let image = match &mut self.kind {
            Kind::Drawn(drawing, picture) => {
                drawing.draw(number, picture);
                Image::Raw(picture.view())
            }
            Kind::Y4m(file, _) => Image::Raw(file.picture(number)?),
            Kind::Ivf(file) => Image::Encoded(file.unit(number)),
        };
        Ok(Shot { number, image })
    }

    /// What the receiver's pictures are compared with.
    ///
    /// # Errors
    /// If the file went away meanwhile.
    pub fn reference(&self) -> Result<Reference> {
        Ok(Reference(match &self.kind {
            Kind::Drawn(drawing, picture) => Some(Kind::Drawn(drawing.clone(), picture.clone())),
            Kind::Y4m(file, path) => Some(Kind::Y4m(file.open_again(path)?, path.clone())),
            Kind::Ivf(_) => None,
        }))
    }
}

impl Kind {
    fn drawn(variant: u32) -> Result<Self> {
        Ok(Self::Drawn(Drawing::new(variant), Picture::new(drawing::WIDTH, drawing::HEIGHT)?))
    }

    fn open(path: &Path) -> Result<Self> {
        let mut magic = [0; 4];
        let read = std::fs::File::open(path)?.read(&mut magic)?;
        match magic.get(..read) {
            Some(b"DKIF") => IvfFile::open(path).map(Self::Ivf),
            _ => Ok(Self::Y4m(Y4mFile::open(path)?, path.to_owned())),
        }
    }

    fn codec(&self) -> VideoCodec {
        match self {
            Self::Drawn(..) | Self::Y4m(..) => VideoCodec::H264,
            Self::Ivf(_) => VideoCodec::Av1,
        }
    }
}

/// Knows what each shot looked like before it was sent.
#[derive(Debug)]
pub struct Reference(Option<Kind>);

/// What came of comparing a picture with the shot that it claims to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// It isn't that shot.
    Other,
    /// It is, or there is nothing that says otherwise.
    Same {
        /// How faithful it is; `None` if the original isn't known.
        psnr_y_db: Option<f64>,
    },
}

impl Reference {
    /// Compares `shown` with shot `number`.
    ///
    /// # Errors
    /// If the file changed or went away meanwhile.
    pub fn compare(&mut self, number: u32, shown: PictureView<'_>) -> Result<Comparison> {
        let original = match &mut self.0 {
            None => return Ok(Comparison::Same { psnr_y_db: None }),
            Some(Kind::Drawn(drawing, picture)) => {
                if read_number(shown) != Some(number & 0xff_ffff) {
                    return Ok(Comparison::Other);
                }
                drawing.draw(number, picture);
                picture.view()
            }
            Some(Kind::Y4m(file, _)) => file.picture(number)?,
            Some(Kind::Ivf(_)) => return Ok(Comparison::Same { psnr_y_db: None }),
        };
        Ok(match psnr_y(original, shown) {
            None => Comparison::Other,
            psnr_y_db => Comparison::Same { psnr_y_db },
        })
    }
}

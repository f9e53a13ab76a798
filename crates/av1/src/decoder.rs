//! Temporal units to pictures.

use dav1d::{PixelLayout, PlanarImageComponent, Plane, Settings};
use visavis_codec::{DecodeError, Limit, Limits, PictureView, VideoDecoder};
use visavis_core::ConfigError;

use crate::{ffi, obu};

/// What dav1d says to a picture beyond its size limit: −ERANGE. It doesn't say how large the picture is.
const TOO_LARGE: i32 = -34;

/// An AV1 decoder: 8-bit 4:2:0 and monochrome.
///
/// It takes one whole temporal unit at a time, as OBUs with sizes, with or without a temporal delimiter. If several
/// pictures are to be shown in it, the last one is lent. AV1 has odd sizes; the last column or row of such a
/// picture is left out.
///
/// Before the first sequence header, and after every error, units without one cost a look through their OBU headers
/// and give [`DecodeError::NeedKeyframe`].
pub struct Decoder {
    inner: dav1d::Decoder,
    limits: Limits,
    state: State,
    /// The picture that is lent.
    shown: Option<Shown>,
    /// Half a plane of no colour, for monochrome pictures.
    grey: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only a unit with a sequence header makes sense.
    AwaitingKeyframe,
    Running,
    /// dav1d failed for a reason of its own and must be made anew.
    Broken,
}

/// Planes that share one picture of dav1d's, which lives as long as they do.
struct Shown {
    width: usize,
    height: usize,
    y: (Plane, usize),
    /// None if there is no colour.
    uv: Option<([Plane; 2], usize)>,
}

impl core::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder that takes no more than `limits`.
    ///
    /// # Errors
    ///
    /// For limits that are none.
    pub fn new(limits: Limits) -> Result<Self, ConfigError> {
        limits.check()?;
        let inner =
            open(&limits).map_err(|_| ConfigError::new("decoder", "could not be made by dav1d"))?;
        Ok(Self { inner, limits, state: State::AwaitingKeyframe, shown: None, grey: Vec::new() })
    }

    /// Whether `data` may go to dav1d, and what is in it.
    fn admit(&self, data: &[u8]) -> Result<obu::Contents, DecodeError> {
        self.limits.check_bytes(data.len())?;
        // dav1d takes no data at all for the caller's mistake.
        let contents = obu::scan(data).filter(|_| !data.is_empty()).ok_or(DecodeError::Corrupt)?;
        if self.state != State::Running && contents.frame && !contents.sequence_header {
            return Err(DecodeError::NeedKeyframe);
        }
        Ok(contents)
    }

    /// Gives `data` to dav1d and takes out every picture that it has, so that none is left for the next call.
    fn feed(&mut self, data: &[u8]) -> Result<Option<dav1d::Picture>, dav1d::Error> {
        // dav1d keeps references into what it is given, so it must own it.
        let mut sent = self.inner.send_data(Box::<[u8]>::from(data), None, None, None);
        let mut last = None;
        // Each turn sends or takes something out; the bound is for a decoder that does neither.
        for _ in 0..=data.len() {
            match self.inner.get_picture() {
                Ok(picture) => last = Some(picture),
                Err(dav1d::Error::Again) if sent.is_ok() => break,
                Err(dav1d::Error::Again) => {}
                Err(error) => return Err(error),
            }
            if sent == Err(dav1d::Error::Again) {
                sent = self.inner.send_pending_data();
            }
            sent_or_again(sent)?;
        }
        sent.map(|()| last)
    }

    fn repair(&mut self) -> Result<(), DecodeError> {
        if self.state == State::Broken {
            self.inner = open(&self.limits).map_err(|error| codec_error("dav1d_open", error))?;
            self.state = State::AwaitingKeyframe;
        }
        Ok(())
    }

    /// After an error nothing that dav1d holds is worth keeping.
    fn start_over(&mut self) {
        self.inner.flush();
        self.state = State::AwaitingKeyframe;
    }

    /// Keeps `picture` if it can be lent.
    fn keep(&mut self, picture: &dav1d::Picture) -> Result<(), DecodeError> {
        let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
        let (width, height) = (side(picture.width()), side(picture.height()));
        self.limits.check_size(width, height)?;
        if picture.bit_depth() != 8 {
            return Err(DecodeError::Unsupported { what: "a sample of more than 8 bits" });
        }
        let plane = |component| (picture.plane(component), side(picture.stride(component)));
        let y = plane(PlanarImageComponent::Y);
        let uv = match picture.pixel_layout() {
            PixelLayout::I420 => {
                let (u, stride) = plane(PlanarImageComponent::U);
                Some(([u, picture.plane(PlanarImageComponent::V)], stride))
            }
            PixelLayout::I400 => {
                self.grey.resize(width / 2 * (height / 2), 128);
                None
            }
            PixelLayout::I422 | PixelLayout::I444 => {
                return Err(DecodeError::Unsupported { what: "4:2:2 or 4:4:4" });
            }
        };
        self.shown = Some(Shown { width: width & !1, height: height & !1, y, uv });
        Ok(())
    }
}

/// A decoder that works in the caller's thread and shows each picture as soon as it is decoded.
fn open(limits: &Limits) -> Result<dav1d::Decoder, dav1d::Error> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(limits.max_pixels).unwrap_or(u32::MAX));
    ffi::silence(&mut settings);
    dav1d::Decoder::with_settings(&settings)
}

/// To be asked again later isn't an error while there is something to take out.
fn sent_or_again(sent: Result<(), dav1d::Error>) -> Result<(), dav1d::Error> {
    match sent {
        Err(dav1d::Error::Again) => Ok(()),
        other => other,
    }
}

fn codec_error(op: &'static str, error: dav1d::Error) -> DecodeError {
    let code = match error {
        dav1d::Error::UnknownError(code) => i64::from(code),
        _ => 0,
    };
    DecodeError::Codec { op, code }
}

impl VideoDecoder for Decoder {
    fn decode(&mut self, data: &[u8]) -> Result<Option<PictureView<'_>>, DecodeError> {
        self.shown = None;
        self.repair()?;
        let contents = match self.admit(data) {
            Ok(contents) => contents,
            Err(error) => {
                // Whatever it was, it isn't decoded, so what follows has nothing to refer to.
                if self.state == State::Running {
                    self.start_over();
                }
                return Err(error);
            }
        };
        let picture = match self.feed(data) {
            Ok(picture) => picture,
            Err(dav1d::Error::InvalidArgument) => {
                self.start_over();
                return Err(DecodeError::Corrupt);
            }
            Err(dav1d::Error::UnknownError(TOO_LARGE)) => {
                self.start_over();
                let max = self.limits.max_pixels;
                return Err(DecodeError::LimitExceeded {
                    limit: Limit::Pixels,
                    value: max + 1,
                    max,
                });
            }
            Err(error) => {
                self.state = State::Broken;
                return Err(codec_error("dav1d_send_data", error));
            }
        };
        if contents.sequence_header && contents.frame {
            self.state = State::Running;
        }
        if let Some(picture) = picture {
            self.keep(&picture)?;
        }
        Ok(match &self.shown {
            Some(shown) => Some(shown.view(&self.grey)?),
            None => None,
        })
    }
}

impl Shown {
    fn view<'a>(&'a self, grey: &'a [u8]) -> Result<PictureView<'a>, DecodeError> {
        let (u, v) = match &self.uv {
            Some(([u, v], stride)) => ((u.as_ref(), *stride), (v.as_ref(), *stride)),
            None => ((grey, self.width / 2), (grey, self.width / 2)),
        };
        PictureView::new(self.width, self.height, (self.y.0.as_ref(), self.y.1), u, v)
            .map_err(|_| DecodeError::Unsupported { what: "a picture without an area" })
    }
}

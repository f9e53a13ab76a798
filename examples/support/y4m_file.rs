//! Y4M files: pictures as they are, 8 bits and 4:2:0.

use anyhow::{Context, Result, anyhow, ensure};
use core::time::Duration;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use visavis_codec::{Picture, PictureView};

/// No line of a header is longer.
const LONGEST_LINE: u64 = 1024;

/// A Y4M file whose pictures can be read in any order.
#[derive(Debug)]
pub(crate) struct Y4mFile {
    file: File,
    picture: Picture,
    rate: (u32, u32),
    /// Where each picture's bytes start.
    pictures: Vec<u64>,
    /// Which picture is in memory.
    loaded: Option<usize>,
}

impl Y4mFile {
    /// Looks through the whole file, so that what comes later can't fail for its contents.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut reader = BufReader::new(File::open(path)?);
        let header = read_line(&mut reader)?.context("it is empty")?;
        ensure!(header.starts_with(b"YUV4MPEG2 "), "it is not a Y4M file");
        let (picture, rate) = parse_header(&header)?;
        let pictures = index(&mut reader, picture.data().len() as u64)?;
        Ok(Self { file: reader.into_inner(), picture, rate, pictures, loaded: None })
    }

    /// A second pair of eyes on the same file.
    pub(crate) fn open_again(&self, path: &Path) -> Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            picture: self.picture.clone(),
            rate: self.rate,
            pictures: self.pictures.clone(),
            loaded: None,
        })
    }

    pub(crate) fn frame_interval(&self) -> Duration {
        let (frames, seconds) = self.rate;
        Duration::from_secs(1) * seconds / frames
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.picture.width(), self.picture.height())
    }

    /// The `number`th picture; after the last one comes the first again.
    pub(crate) fn picture(&mut self, number: u32) -> Result<PictureView<'_>> {
        let index = number as usize % self.pictures.len();
        if self.loaded != Some(index) {
            self.loaded = None;
            let at = self.pictures.get(index).copied().unwrap_or_default();
            self.file.seek(SeekFrom::Start(at))?;
            self.file.read_exact(self.picture.data_mut())?;
            self.loaded = Some(index);
        }
        Ok(self.picture.view())
    }
}

/// `YUV4MPEG2 W640 H360 F30:1 ... C420jpeg`: parameters by their first letter.
fn parse_header(header: &[u8]) -> Result<(Picture, (u32, u32))> {
    let text = str::from_utf8(header).context("its Y4M header is damaged")?;
    let find = |letter| text.split_whitespace().skip(1).find_map(|word| word.strip_prefix(letter));
    // What nobody says is 4:2:0; the suffixes differ in where chroma is sampled, nothing more.
    match find('C').unwrap_or("420") {
        "420" | "420jpeg" | "420paldv" | "420mpeg2" => {}
        other => return Err(anyhow!("its pictures are {other}; 8-bit 4:2:0 is needed")),
    }
    let side = |letter| {
        let side = find(letter).and_then(|side| side.parse::<usize>().ok());
        side.context("its Y4M header is damaged")
    };
    let picture = Picture::new(side('W')?, side('H')?)?;
    let rate = find('F').unwrap_or("25:1");
    let pair = rate.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let (frames, seconds): (u32, u32) = pair.context("its frame rate is damaged")?;
    ensure!(
        seconds > 0 && frames >= seconds && frames / seconds <= 120,
        "its frame rate, {frames}:{seconds}, is not from 1 to 120 a second"
    );
    Ok((picture, (frames, seconds)))
}

/// Where the pictures are.
fn index(reader: &mut BufReader<File>, size: u64) -> Result<Vec<u64>> {
    let end = reader.get_ref().metadata()?.len();
    let mut pictures = Vec::new();
    while let Some(line) = read_line(reader)? {
        ensure!(line.starts_with(b"FRAME"), "frame {} is damaged", pictures.len());
        let at = reader.stream_position()?;
        ensure!(at + size <= end, "it ends within frame {}", pictures.len());
        pictures.push(at);
        reader.seek_relative(size.cast_signed())?;
    }
    ensure!(!pictures.is_empty(), "it holds no picture");
    Ok(pictures)
}

/// One line with its end; `None` at the end of the file.
fn read_line(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    ensure!(line.is_empty() || line.ends_with(b"\n"), "it is not a Y4M file, or ends early");
    Ok((!line.is_empty()).then_some(line))
}

/// Writes what is seen into a Y4M file, as it comes. The first picture decides the size; pictures of
/// another size are left out.
pub struct Y4mWriter {
    file: BufWriter<File>,
    rate: (u32, u32),
    size: Option<(usize, usize)>,
}

impl Y4mWriter {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create(path: &Path, frame_interval: Duration) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let micros = u32::try_from(frame_interval.as_micros()).unwrap_or(u32::MAX).max(1);
        // 33 333 µs are 30 a second: exact where it is a whole number, and near enough elsewhere.
        let whole = (1_000_000 + micros / 2) / micros;
        let exact = (whole * micros).abs_diff(1_000_000) <= whole;
        let rate = if exact { (whole, 1) } else { (1_000_000, micros) };
        Ok(Self { file: BufWriter::with_capacity(1 << 20, file), rate, size: None })
    }

    /// Appends a picture.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, picture: PictureView<'_>) -> Result<()> {
        let (width, height) = (picture.width(), picture.height());
        if self.size.is_none() {
            self.size = Some((width, height));
            let (frames, seconds) = self.rate;
            writeln!(
                self.file,
                "YUV4MPEG2 W{width} H{height} F{frames}:{seconds} Ip A1:1 C420jpeg"
            )?;
        }
        if self.size != Some((width, height)) {
            return Ok(());
        }
        self.file.write_all(b"FRAME\n")?;
        for row in picture.planes().iter().flat_map(visavis_codec::Plane::rows) {
            self.file.write_all(row)?;
        }
        Ok(())
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn finish(mut self) -> Result<()> {
        Ok(self.file.flush()?)
    }
}

//! Brings the programs that someone else wrote. The second time it finds them and needs no network.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process::{ask, on_path, root, watch};
use crate::system;

/// The Python package that carries a static FFmpeg 9; Debian's own is too old.
const FFMPEG: &str = "imageio-ffmpeg==0.8.1";

/// The elements that the pipelines name, and the Debian packages that hold them.
const ELEMENTS: [&str; 14] = [
    "audiotestsrc",
    "avdec_h264",
    "h264parse",
    "identity",
    "opusdec",
    "opusenc",
    "rtph264depay",
    "rtph264pay",
    "rtpjitterbuffer",
    "rtpopuspay",
    "srtpdec",
    "srtpenc",
    "udpsrc",
    "x264enc",
];
const GSTREAMER: [&str; 6] = [
    "gstreamer1.0-tools",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-libav",
];

/// Where FFmpeg is, brought if need be.
pub(super) fn ffmpeg() -> Result<PathBuf> {
    let folder = root().join(".native/python");
    if let Some(program) = ffmpeg_in(&folder) {
        return Ok(program);
    }
    if ask(Command::new("python3").args(["-m", "pip", "--version"])).is_none() {
        system::install(&["python3-pip"], "bringing FFmpeg")?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--upgrade", "--target"]);
    watch("interop: fetching FFmpeg", pip.arg(&folder).arg(FFMPEG))?;
    ffmpeg_in(&folder).context("imageio-ffmpeg is installed, but its FFmpeg doesn't run here")
}

fn ffmpeg_in(folder: &Path) -> Option<PathBuf> {
    let binaries = folder.join("imageio_ffmpeg/binaries").read_dir().ok()?;
    let program = binaries.filter_map(Result::ok).map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ffmpeg-"))
    })?;
    ask(Command::new(&program).arg("-version"))?;
    Some(program)
}

/// Brings GStreamer with its plug-ins.
pub(super) fn gstreamer() -> Result<()> {
    if missing_elements().is_empty() {
        return Ok(());
    }
    system::install(&GSTREAMER, "interop with GStreamer")?;
    let missing = missing_elements();
    ensure!(missing.is_empty(), "GStreamer is installed, but lacks {}", missing.join(" "));
    Ok(())
}

fn missing_elements() -> Vec<&'static str> {
    if !on_path("gst-launch-1.0") {
        return ELEMENTS.to_vec();
    }
    let there =
        |element: &str| ask(Command::new("gst-inspect-1.0").args(["--exists", element])).is_some();
    ELEMENTS.into_iter().filter(|element| !there(element)).collect()
}

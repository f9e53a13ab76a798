//! Whether what a foreign program decoded is a call: enough of it, no silence, no still picture.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use serde_json::Value;

use super::line::{FPS, HEIGHT, WIDTH};

/// The part that has to arrive: programs start listening late, and miss the first frames.
const ENOUGH: f64 = 0.9;

/// Below this, in dBFS, nothing is heard.
const QUIET: f64 = -45.0;

/// Checks 48 kHz mono s16le.
pub(super) fn audio(file: &Path, seconds: u32) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (pairs, _) = bytes.as_chunks::<2>();
    let samples: Vec<f64> = pairs.iter().map(|pair| f64::from(i16::from_le_bytes(*pair))).collect();
    let heard = samples.len() as f64 / 48_000.0;
    ensure!(heard >= f64::from(seconds) * ENOUGH, "only {heard:.1} s of audio of {seconds} s");
    let power = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64;
    let level = 20.0 * (power.sqrt() / 32_768.0).max(1e-9).log10();
    ensure!(level > QUIET, "the audio is silent ({level:.0} dBFS)");
    Ok(format!("{heard:.1} s of audio at {level:.0} dBFS"))
}

/// Checks raw I420 pictures.
pub(super) fn video(file: &Path, seconds: u32) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let pictures: Vec<&[u8]> = bytes.chunks_exact(WIDTH * HEIGHT * 3 / 2).collect();
    let wanted = f64::from(seconds * FPS) * ENOUGH;
    let seen = pictures.len();
    ensure!(seen as f64 >= wanted, "only {seen} pictures of {}", seconds * FPS);
    let moved = pictures.iter().zip(pictures.iter().skip(1)).filter(|(a, b)| a != b).count();
    ensure!(moved as f64 >= wanted * ENOUGH, "{seen} pictures, but only {moved} differ");
    Ok(format!("{seen} pictures"))
}

/// Checks what our own receiver says of audio, in packets of 20 ms.
pub(super) fn audio_report(log: &Path, seconds: u32) -> Result<String> {
    let report = report(log)?;
    let (packets, lost) = (number(&report, "packets")?, number(&report, "lost")?);
    ensure!(packets >= f64::from(seconds) * 50.0 * ENOUGH, "only {packets} packets of audio");
    ensure!(lost == 0.0, "{lost} packets of audio were lost");
    let level = number(&report, "loudness_db")?;
    ensure!(level > QUIET, "the audio is silent ({level:.0} dBFS)");
    Ok(format!("{packets} packets of audio at {level:.0} dBFS"))
}

/// Checks what our own receiver says of video.
pub(super) fn video_report(log: &Path, seconds: u32) -> Result<String> {
    let report = report(log)?;
    let (pictures, broken) = (number(&report, "pictures")?, number(&report, "broken")?);
    ensure!(pictures >= f64::from(seconds * FPS) * ENOUGH, "only {pictures} pictures");
    ensure!(broken == 0.0, "{broken} pictures were broken");
    let size = (number(&report, "width")?, number(&report, "height")?);
    ensure!(size == (WIDTH as f64, HEIGHT as f64), "the pictures are {}x{}", size.0, size.1);
    Ok(format!("{pictures} pictures"))
}

/// The JSON object that ends a log.
fn report(log: &Path) -> Result<Value> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let last = text.lines().last().unwrap_or_default();
    let report: Value =
        serde_json::from_str(last).with_context(|| format!("no report ends {}", log.display()))?;
    ensure!(number(&report, "auth_failures")? == 0.0, "packets failed authentication: {last}");
    Ok(report)
}

fn number(report: &Value, key: &str) -> Result<f64> {
    report.get(key).and_then(Value::as_f64).with_context(|| format!("no {key} in the report"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What a judge says about a file with these bytes.
    fn verdict(judge: fn(&Path, u32) -> Result<String>, bytes: &[u8], seconds: u32) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("xtask-judge-{}-{number}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, bytes).unwrap();
        let verdict = judge(&file, seconds);
        fs::remove_file(file).unwrap();
        verdict.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn silence_and_shortness_are_noticed() {
        let tone = [1000_i16, -1000].repeat(24_000);
        let tone: Vec<u8> = tone.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(verdict(audio, &tone, 1), "1.0 s of audio at -30 dBFS");
        assert_eq!(verdict(audio, &tone, 2), "only 1.0 s of audio of 2 s");
        assert!(verdict(audio, &[0; 96_000], 1).contains("silent"));
    }

    #[test]
    fn our_own_reports_are_read() {
        let said = |text: &str| verdict(audio_report, text.as_bytes(), 1);
        let well = r#"{"packets":50,"lost":0,"auth_failures":0,"loudness_db":-20.1}"#;
        assert_eq!(said(&format!("a warning\n{well}\n")), "50 packets of audio at -20 dBFS");
        assert!(said(&well.replace("50", "40")).starts_with("only 40 packets"));
        assert!(said(&well.replace("failures\":0", "failures\":1")).contains("authentication"));
        assert!(said("error: no").starts_with("no report ends"));
        let video = r#"{"auth_failures":0,"pictures":30,"broken":1,"width":640,"height":360}"#;
        assert_eq!(verdict(video_report, video.as_bytes(), 1), "1 pictures were broken");
    }

    #[test]
    fn a_still_picture_is_noticed() {
        let size = WIDTH * HEIGHT * 3 / 2;
        let moving: Vec<u8> = (0..30).flat_map(|n| vec![n; size]).collect();
        assert_eq!(verdict(video, &moving, 1), "30 pictures");
        assert_eq!(verdict(video, &moving, 2), "only 30 pictures of 60");
        assert!(verdict(video, &vec![7; size * 30], 1).contains("only 0 differ"));
    }
}

//! What can be watched while a call runs.

use crate::cli::CallOptions;
use crate::meter::{Direction, Figures};
use core::time::Duration;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use visavis_core::Instant;

const REDRAW_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(1);

const NAMES: [&str; 2] = ["A → B", "B → A"];

/// A table on stderr: drawn again and again on a terminal, a line a second and direction in a pipe.
#[derive(Debug)]
pub struct Live {
    table: Option<Table>,
    due: Instant,
    begun: bool,
}

#[derive(Debug)]
struct Table {
    _all: MultiProgress,
    progress: ProgressBar,
    rows: [ProgressBar; 2],
}

impl Live {
    /// For the call that `options` ask for. In virtual time nobody could follow it, so nothing is shown.
    #[must_use]
    pub fn new(options: &CallOptions) -> Self {
        let duration = options.duration();
        let terminal = !options.virtual_time && std::io::stderr().is_terminal();
        let table = terminal.then(|| Table::new(duration));
        // In virtual time the first line would be due when the call is long over.
        let due = if options.virtual_time { Instant::from_nanos(u64::MAX) } else { Instant::ZERO };
        Self { table, due, begun: false }
    }

    /// Shows what is due at `now`; may be called as often as one likes.
    pub fn show(&mut self, now: Instant, directions: [&Direction; 2]) {
        if now < self.due {
            return;
        }
        let figures = || directions.map(|direction| direction.figures(now));
        match &self.table {
            Some(table) => {
                self.due = now + REDRAW_EVERY;
                table.draw(now, figures());
            }
            None => {
                self.due = now + LINE_EVERY;
                let heading = !core::mem::replace(&mut self.begun, true);
                // Nobody reads any more: that is no reason to hang up.
                let _closed = write_lines(&mut std::io::stderr(), heading, now, figures());
            }
        }
    }

    /// Leaves the last state standing.
    pub fn finish(self) {
        if let Some(table) = self.table {
            for bar in [&table.progress].into_iter().chain(&table.rows) {
                bar.abandon();
            }
        }
    }
}

impl Table {
    fn new(duration: Duration) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let progress = all.add(ProgressBar::new(millis));
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg}") {
            progress.set_style(style);
        }
        let text = ProgressStyle::with_template("{msg}");
        let row = || {
            let bar = all.add(ProgressBar::new(0));
            if let Ok(style) = &text {
                bar.set_style(style.clone());
            }
            bar
        };
        let heading = row();
        heading.abandon_with_message(heading_line());
        let rows = [row(), row()];
        Self { _all: all, progress, rows }
    }

    fn draw(&self, now: Instant, figures: [Figures; 2]) {
        let seconds = now.as_millis_f64() / 1e3;
        self.progress.set_message(format!("{seconds:.0} s"));
        self.progress.set_position(now.as_nanos() / 1_000_000);
        for ((row, name), figures) in self.rows.iter().zip(NAMES).zip(figures) {
            row.set_message(line(name, &figures));
        }
    }
}

fn write_lines(
    out: &mut impl Write,
    heading: bool,
    now: Instant,
    figures: [Figures; 2],
) -> std::io::Result<()> {
    if heading {
        writeln!(out, "       {}", heading_line())?;
    }
    let seconds = now.as_millis_f64() / 1e3;
    for (name, figures) in NAMES.into_iter().zip(figures) {
        writeln!(out, "{seconds:>3.0} s  {}", line(name, &figures))?;
    }
    Ok(())
}

fn heading_line() -> String {
    format!(
        "{:<9} {:>9} {:>7} {:>7} {:>11} {:>9} {:>10}",
        "", "sent kb/s", "target", "loss %", "picture ms", "sound ms", "buffer ms"
    )
}

fn line(name: &str, figures: &Figures) -> String {
    let delay = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format!("{ms:.0}"));
    format!(
        "{name:<9} {:>9.0} {:>7.0} {:>7.1} {:>11} {:>9} {:>10.0}",
        figures.sent_kbps,
        figures.target_kbps,
        figures.loss_percent,
        delay(figures.picture_delay_ms),
        delay(figures.sound_delay_ms),
        figures.buffer_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_below_their_headings() {
        let figures = Figures {
            sent_kbps: 812.4,
            target_kbps: 900.0,
            loss_percent: 1.25,
            picture_delay_ms: Some(71.0),
            sound_delay_ms: None,
            buffer_ms: 23.9,
        };
        let mut text = Vec::new();
        write_lines(&mut text, true, Instant::from_millis(3000), [figures; 2]).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3]);
        assert!(lines[1].starts_with("  3 s  A → B"));
        assert!(lines[2].contains(" 812 ") && lines[2].contains(" – "));
    }
}

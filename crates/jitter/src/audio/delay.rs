//! Where the network's delay stands: the references from which the playout delay is measured.

use crate::window::Window;

/// How many references there are.
pub(super) const REFERENCES: usize = 4;

/// The windows: for how long they look back, in milliseconds, and which quantile they take.
const WINDOWS: [(f64, f64, usize); REFERENCES] =
    [(500.0, 0.5, 200), (2_000.0, 0.5, 512), (10_000.0, 0.5, 1024), (10_000.0, 0.98, 1024)];

/// Relative delays of the last packets (arrival minus media time, both in milliseconds from a common
/// origin), seen through four windows.
///
/// Each reference is the greater of its window's quantile and of the least of the last three delays,
/// so that a shift of the whole level is followed after three packets, while one late packet isn't.
#[derive(Debug)]
pub(super) struct References {
    windows: [Window; REFERENCES],
    last: [f64; 3],
    values: [f64; REFERENCES],
}

impl References {
    pub(super) fn new() -> Self {
        Self {
            windows: WINDOWS.map(|(span, _, capacity)| Window::new(span, capacity)),
            last: [f64::NEG_INFINITY; 3],
            values: [0.0; REFERENCES],
        }
    }

    /// Takes the delay of the packet with the media time `media`.
    pub(super) fn push(&mut self, media: f64, delay: f64) {
        let [_, second, third] = self.last;
        self.last = [second, third, delay];
        let least = second.min(third).min(delay);
        for ((value, window), (_, q, _)) in
            self.values.iter_mut().zip(&mut self.windows).zip(WINDOWS)
        {
            window.push(media, delay);
            *value = window.quantile(q).unwrap_or(delay).max(least);
        }
    }

    pub(super) fn values(&self) -> [f64; REFERENCES] {
        self.values
    }

    /// The usual delay of the last ten seconds; `None` before the first packet.
    pub(super) fn usual(&self) -> Option<f64> {
        self.windows.get(2)?.quantile(0.5)
    }

    /// The least delay of the last ten seconds; `None` before the first packet.
    pub(super) fn least(&self) -> Option<f64> {
        self.windows.get(2)?.min()
    }

    pub(super) fn clear(&mut self) {
        for window in &mut self.windows {
            window.clear();
        }
        self.last = [f64::NEG_INFINITY; 3];
    }
}

//! Order statistics over a sliding window of time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Values of the last while, kept both in the order in which they came and sorted.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    span: f64,
    capacity: usize,
    by_time: VecDeque<(f64, f64)>,
    sorted: Vec<f64>,
}

impl Window {
    /// Keeps values for `span` units of time, and at most `capacity` (at least 1) of them.
    pub(crate) fn new(span: f64, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            span,
            capacity,
            by_time: VecDeque::with_capacity(capacity),
            sorted: Vec::with_capacity(capacity),
        }
    }

    /// Adds a value, which must be finite.
    pub(crate) fn push(&mut self, time: f64, value: f64) {
        while let Some(&(oldest, gone)) = self.by_time.front() {
            if self.by_time.len() < self.capacity && oldest > time - self.span {
                break;
            }
            self.by_time.pop_front();
            let at = self.sorted.partition_point(|other| *other < gone);
            if at < self.sorted.len() {
                self.sorted.remove(at);
            }
        }
        self.by_time.push_back((time, value));
        let at = self.sorted.partition_point(|other| *other < value);
        self.sorted.insert(at, value);
    }

    /// The value that a share `q` of all values doesn't exceed.
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and the index is checked")]
    #[allow(clippy::cast_sign_loss, reason = "`as` saturates at 0")]
    #[allow(clippy::cast_precision_loss, reason = "windows are short")]
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let index = libm::ceil(q * self.sorted.len() as f64 - 1.0) as usize;
        self.sorted.get(index.min(last)).copied()
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.sorted.first().copied()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn clear(&mut self) {
        self.by_time.clear();
        self.sorted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_agrees_with_sorting_what_is_left(
            values in prop::collection::vec((0u8..4, -50i32..50), 1..200),
            capacity in 1usize..40,
            q in 0.0f64..=1.0,
        ) {
            let mut window = Window::new(20.0, capacity);
            let (mut time, mut all) = (0.0, Vec::new());
            for (step, value) in values {
                time += f64::from(step);
                window.push(time, f64::from(value));
                all.push((time, f64::from(value)));
                let mut left: Vec<f64> =
                    all.iter().rev().take(capacity).filter(|(t, _)| *t > time - 20.0).map(|(_, v)| *v).collect();
                left.sort_by(f64::total_cmp);
                prop_assert_eq!(window.len(), left.len());
                prop_assert_eq!(window.min(), left.first().copied());
                let value = window.quantile(q).unwrap();
                let below = left.iter().filter(|v| **v <= value).count();
                prop_assert!(below as f64 >= q * left.len() as f64 - 1e-6);
            }
        }
    }
}

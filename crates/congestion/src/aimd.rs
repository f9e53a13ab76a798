//! The rate that follows from how the path is used: up slowly, down at once.

use crate::trendline::Usage;
use core::time::Duration;
use visavis_core::{Bitrate, DataSize, Instant};

/// On overuse the rate becomes this share of what arrives, less a step so that it falls below a
/// bottleneck that is narrow. This and what follows as in libwebrtc's `AimdRateControl`.
const BETA: f64 = 0.85;
const FALL_STEP: Bitrate = Bitrate::from_kbps(5);
/// Where the rate of the bottleneck itself is known, it becomes this share of that,
const BETA_KNOWN: f64 = 0.9;
/// and then for this long doesn't grow beyond this share, unless a probe finds more. This is our own:
/// the queue need not be filled again and again to learn the same.
const CEILING: f64 = 0.97;
const CEILING_TIME: Duration = Duration::from_secs(20);
/// Far from where the path was full last, the rate grows by this factor a second,
const GROWTH: f64 = 1.08;
/// near it by half a packet for each response time, which is a round trip and this,
const RESPONSE_EXTRA: Duration = Duration::from_millis(100);
/// but at least by this a second.
const MIN_GROWTH: f64 = 4_000.0;
/// It doesn't grow beyond this times what arrives and a step: an estimate must be proven.
const PROVEN: f64 = 1.5;
const PROVEN_STEP: Bitrate = Bitrate::from_kbps(10);
/// A second overuse counts only after a round trip, which is taken to lie between these,
const MIN_FALL_INTERVAL: Duration = Duration::from_millis(10);
const MAX_FALL_INTERVAL: Duration = Duration::from_millis(200);
/// unless less than this share of the rate arrives.
const COLLAPSE: f64 = 0.5;
/// Frames a second and bytes a packet, to tell how large packets are on average.
const FRAMES: u64 = 30;
const PACKET: u64 = 1200;

/// Additive increase, multiplicative decrease.
#[derive(Debug, Clone)]
pub(crate) struct Aimd {
    rate: Bitrate,
    capacity: LinkCapacity,
    grown_at: Option<Instant>,
    fallen_at: Option<Instant>,
    /// After a fall or underuse the rate waits for the queue to empty.
    hold: bool,
    ceiling: Option<(Bitrate, Instant)>,
}

impl Aimd {
    pub(crate) const fn new(start: Bitrate) -> Self {
        Self {
            rate: start,
            capacity: LinkCapacity { estimate: None, deviation: 0.4 },
            grown_at: None,
            fallen_at: None,
            hold: false,
            ceiling: None,
        }
    }

    pub(crate) const fn rate(&self) -> Bitrate {
        self.rate
    }

    pub(crate) const fn fallen_at(&self) -> Option<Instant> {
        self.fallen_at
    }

    /// Something else decided.
    pub(crate) const fn set_rate(&mut self, rate: Bitrate) {
        self.rate = rate;
    }

    /// A probe has shown that the path carries `rate`: what was thought of it is out of date.
    pub(crate) fn on_probe(&mut self, rate: Bitrate) {
        if rate > self.rate {
            self.rate = rate;
            self.hold = false;
        }
        if self.capacity.is_exceeded(rate) {
            self.capacity.estimate = None;
        }
        if self.ceiling.is_some_and(|(ceiling, _)| rate > ceiling) {
            self.ceiling = None;
        }
    }

    /// The bottleneck was busy all the time, and this is its rate.
    pub(crate) fn on_bottleneck(&mut self, now: Instant, rate: Bitrate) {
        self.ceiling = Some((rate.scale(CEILING), now));
        if self.rate > rate {
            self.fall_to(now, rate.scale(BETA_KNOWN));
        }
    }

    /// How the path is used, and the rate that arrives.
    pub(crate) fn update(&mut self, now: Instant, usage: Usage, arrives: Bitrate, rtt: Duration) {
        match usage {
            Usage::Over => {
                let interval = rtt.clamp(MIN_FALL_INTERVAL, MAX_FALL_INTERVAL);
                let due = self.fallen_at.is_none_or(|at| now.since(at) >= interval);
                if due || arrives < self.rate.scale(COLLAPSE) {
                    self.fall(now, arrives);
                }
            }
            Usage::Under => self.hold = true,
            Usage::Normal if self.hold => {
                self.hold = false;
                self.grown_at = Some(now);
            }
            Usage::Normal => self.grow(now, arrives, rtt),
        }
    }

    fn fall(&mut self, now: Instant, arrives: Bitrate) {
        let known = self.ceiling.filter(|ceiling| ceiling.1 == now);
        let scaled = arrives.scale(BETA);
        let mut rate = match known {
            Some((ceiling, _)) => ceiling.scale(BETA_KNOWN / CEILING),
            None if scaled > FALL_STEP => scaled - FALL_STEP,
            None => scaled,
        };
        if rate > self.rate
            && let Some(capacity) = self.capacity.estimate
        {
            rate = Bitrate::from_bps(1).scale(BETA * capacity);
        }
        if self.capacity.is_undercut(arrives) {
            self.capacity.estimate = None;
        }
        self.capacity.on_full(arrives);
        self.fall_to(now, rate);
    }

    /// Loss has told that the path is full.
    pub(crate) fn on_loss(&mut self, now: Instant, rate: Bitrate) {
        self.capacity.on_full(rate);
        self.fall_to(now, rate);
    }

    fn fall_to(&mut self, now: Instant, rate: Bitrate) {
        self.rate = self.rate.min(rate);
        self.fallen_at = Some(now);
        self.hold = true;
    }

    fn grow(&mut self, now: Instant, arrives: Bitrate, rtt: Duration) {
        let elapsed = now.since(self.grown_at.unwrap_or(now)).min(Duration::from_secs(1));
        self.grown_at = Some(now);
        if self.capacity.is_exceeded(arrives) {
            self.capacity.estimate = None;
        }
        let seconds = elapsed.as_secs_f64();
        let grown = if self.capacity.estimate.is_some() {
            self.rate + Bitrate::from_bps(1).scale(self.step(rtt) * seconds)
        } else {
            self.rate.scale(libm::pow(GROWTH, seconds))
        };
        let proven = arrives.scale(PROVEN) + PROVEN_STEP;
        let ceiling = self.ceiling.filter(|ceiling| now.since(ceiling.1) < CEILING_TIME);
        let most = ceiling.map_or(proven, |ceiling| proven.min(ceiling.0));
        self.rate = grown.min(most.max(self.rate));
    }

    /// Bits a second, each second.
    fn step(&self, rtt: Duration) -> f64 {
        let frame = self.rate.over(Duration::from_secs(1)).bytes() / FRAMES;
        let packets = frame.div_ceil(PACKET).max(1);
        let packet = DataSize::from_bytes(frame / packets);
        let response = (rtt + RESPONSE_EXTRA).as_secs_f64();
        (0.5 * Bitrate::from_bps(packet.bits()).kbps_f64() * 1e3 / response).max(MIN_GROWTH)
    }
}

/// How much a new measurement counts.
const CAPACITY_GAIN: f64 = 0.05;
/// The bounds of the variance, relative to the estimate in kb/s.
const MIN_DEVIATION: f64 = 0.4;
const MAX_DEVIATION: f64 = 2.5;

/// Where the path was full the last times: libwebrtc's `LinkCapacityEstimator`.
#[derive(Debug, Clone)]
struct LinkCapacity {
    /// In bits a second.
    estimate: Option<f64>,
    /// Of the estimate, normalised by it.
    deviation: f64,
}

impl LinkCapacity {
    fn on_full(&mut self, arrives: Bitrate) {
        let sample = arrives.kbps_f64();
        let before = self.estimate.map_or(sample, |bps| bps / 1e3);
        let estimate = (1.0 - CAPACITY_GAIN) * before + CAPACITY_GAIN * sample;
        let error = (estimate - sample) * (estimate - sample) / estimate.max(1.0);
        let deviation = (1.0 - CAPACITY_GAIN) * self.deviation + CAPACITY_GAIN * error;
        self.deviation = deviation.clamp(MIN_DEVIATION, MAX_DEVIATION);
        self.estimate = Some(estimate * 1e3);
    }

    /// Three standard deviations, in bits a second.
    fn spread(&self, estimate: f64) -> f64 {
        3e3 * libm::sqrt(self.deviation * estimate / 1e3)
    }

    fn is_exceeded(&self, rate: Bitrate) -> bool {
        self.estimate.is_some_and(|bps| rate.kbps_f64() * 1e3 > bps + self.spread(bps))
    }

    fn is_undercut(&self, rate: Bitrate) -> bool {
        self.estimate.is_some_and(|bps| rate.kbps_f64() * 1e3 < bps - self.spread(bps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn kbps(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn grow(aimd: &mut Aimd, from: u64, seconds: u64) -> u64 {
        for ms in (from..=from + seconds * 1000).step_by(50) {
            let arrives = aimd.rate();
            aimd.update(at(ms), Usage::Normal, arrives, RTT);
        }
        aimd.rate().bps() / 1000
    }

    #[test]
    fn it_falls_to_85_percent_of_what_arrives_and_waits() {
        let mut aimd = Aimd::new(kbps(1000));
        aimd.update(at(0), Usage::Over, kbps(800), RTT);
        assert_eq!(aimd.rate(), kbps(675));
        aimd.update(at(50), Usage::Over, kbps(700), RTT);
        assert_eq!(aimd.rate(), kbps(675), "once in a round trip");
        aimd.update(at(60), Usage::Over, kbps(300), RTT);
        assert_eq!(aimd.rate(), kbps(250), "but at once if nearly nothing arrives");
        aimd.update(at(200), Usage::Under, kbps(300), RTT);
        assert_eq!(aimd.rate(), kbps(250));
    }

    #[test]
    fn overuse_never_raises_it() {
        let mut aimd = Aimd::new(kbps(100));
        aimd.update(at(0), Usage::Over, kbps(1000), RTT);
        assert!(aimd.rate() <= kbps(100));
    }

    #[test]
    fn it_grows_by_8_percent_a_second_where_nothing_is_known() {
        assert!((2150..2170).contains(&grow(&mut Aimd::new(kbps(1000)), 0, 10)));
    }

    #[test]
    fn it_grows_by_half_a_packet_per_response_time_near_the_capacity() {
        let mut aimd = Aimd::new(kbps(1000));
        aimd.update(at(0), Usage::Over, kbps(1000), RTT);
        let before = aimd.rate().bps() / 1000;
        // 845 kb/s: 3520 bytes a frame in 3 packets of 1173 bytes; half of one in 200 ms; above 864 kb/s in 4 packets.
        let step = (grow(&mut aimd, 50, 4) - before) / 4;
        assert!((18..24).contains(&step), "{step}");
    }

    #[test]
    fn a_probe_frees_it_from_an_old_capacity() {
        let mut aimd = Aimd::new(kbps(1000));
        aimd.update(at(0), Usage::Over, kbps(1000), RTT);
        aimd.on_probe(kbps(2000));
        assert_eq!(aimd.rate(), kbps(2000));
        assert!(grow(&mut aimd, 50, 1) > 2140);
    }

    #[test]
    fn it_stays_below_a_bottleneck_that_is_known_for_a_while() {
        let mut aimd = Aimd::new(kbps(1000));
        aimd.on_bottleneck(at(0), kbps(800));
        assert_eq!(aimd.rate(), kbps(720));
        assert_eq!(grow(&mut aimd, 50, 19), 776);
        assert!(grow(&mut aimd, 19_050, 3) > 800);
        aimd.on_bottleneck(at(23_000), kbps(800));
        aimd.update(at(23_000), Usage::Over, kbps(500), RTT);
        assert_eq!(aimd.rate(), kbps(720), "it tells more than what arrives");
        aimd.on_probe(kbps(900));
        assert!(grow(&mut aimd, 23_050, 2) > 920);
    }

    #[test]
    fn loss_lowers_it_and_makes_it_careful() {
        let mut aimd = Aimd::new(kbps(1000));
        aimd.on_loss(at(0), kbps(900));
        assert_eq!(aimd.rate(), kbps(900));
        assert!(grow(&mut aimd, 50, 2) < 960, "8 % a second would be more");
    }

    #[test]
    fn it_does_not_grow_beyond_what_is_proven() {
        let mut aimd = Aimd::new(kbps(600));
        for ms in (0..60_000).step_by(50) {
            aimd.update(at(ms), Usage::Normal, kbps(500), RTT);
        }
        assert_eq!(aimd.rate(), kbps(760));
    }
}

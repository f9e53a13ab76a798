//! Video over bad networks with retransmission, in virtual time: a table under snapshot.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]
#![allow(clippy::cast_possible_truncation, reason = "test values are small")]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests have std")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use support::Random;
use visavis_core::{Engine, ExtSeq, ExtTimestamp, FrameInfo, Instant};
use visavis_jitter::{VideoBuffer, VideoConfig, VideoOutput, VideoPacket};

#[derive(Clone, Copy)]
struct Scenario {
    one_way: f64,
    jitter: f64,
    loss: f64,
    nack: bool,
}

#[derive(Clone, Copy)]
struct Sent {
    frame: u64,
    info: FrameInfo,
}

enum Event {
    Capture(u64),
    Arrive(u64),
    Nack(u64),
    KeyframeWanted,
}

#[derive(Default)]
struct Result {
    rendered: f64,
    added_mean: f64,
    added_p95: f64,
    longest_gap: f64,
    requests: u64,
    gave_up: u64,
}

struct Call {
    scenario: Scenario,
    random: Random,
    events: BTreeMap<(u64, u64), Event>,
    tie: u64,
    sent: Vec<Sent>,
    asked: BTreeMap<u64, (u32, Instant)>,
    highest: Option<u64>,
    key_next: bool,
}

impl Call {
    fn at(&mut self, millis: f64, event: Event) {
        self.tie += 1;
        self.events.insert(((millis * 1e6) as u64, self.tie), event);
    }

    fn send(&mut self, millis: f64, seq: u64) {
        let Scenario { one_way, jitter, loss, .. } = self.scenario;
        if self.random.unit() * 100.0 >= loss {
            let delay = one_way + jitter * self.random.unit();
            self.at(millis + delay, Event::Arrive(seq));
        }
    }

    /// A frame: 4 to 8 packets, a keyframe 25, paced at one each 1.5 ms.
    fn capture(&mut self, millis: f64, frame: u64) {
        let key = frame == 0 || std::mem::take(&mut self.key_next);
        let count = if key { 25 } else { 4 + self.random.bits() % 5 };
        for i in 0..count {
            let mut info = FrameInfo::default();
            (info.start, info.end, info.keyframe) = (i == 0, i + 1 == count, key);
            self.sent.push(Sent { frame, info });
            self.send(millis + 1.5 * i as f64, self.sent.len() as u64 - 1);
        }
    }

    fn ask_for_missing(&mut self, now: Instant, nothing_before: u64) {
        self.asked.retain(|seq, _| *seq >= nothing_before);
        let rtt = Duration::from_secs_f64(self.scenario.one_way * 2e-3 + 0.02);
        let due: Vec<u64> = self
            .asked
            .iter_mut()
            .filter(|(_, (count, last))| *count < 10 && (*count == 0 || now >= *last + rtt))
            .map(|(seq, asked)| {
                *asked = (asked.0 + 1, now);
                *seq
            })
            .collect();
        for seq in due {
            if self.random.unit() * 100.0 >= self.scenario.loss {
                self.at(now.as_millis_f64() + self.scenario.one_way, Event::Nack(seq));
            }
        }
    }
}

fn run(scenario: Scenario, seed: u64) -> Result {
    let (frames, origin) = (900u64, 1000.0);
    let capture = |frame: u64| origin + frame as f64 * 100.0 / 3.0;
    let mut call = Call {
        scenario,
        random: Random(seed),
        events: BTreeMap::new(),
        tie: 0,
        sent: Vec::new(),
        asked: BTreeMap::new(),
        highest: None,
        key_next: false,
    };
    for frame in 0..frames {
        call.at(capture(frame), Event::Capture(frame));
    }
    let mut config = VideoConfig::default();
    if !scenario.nack {
        (config.retransmission, config.max_wait) = (false, Duration::from_millis(20));
    }
    let mut buffer = VideoBuffer::new(config).unwrap();
    buffer.on_rtt(Duration::from_secs_f64(scenario.one_way * 2e-3));
    let mut shown: Vec<(u64, f64, f64)> = Vec::new();
    loop {
        let event = call.events.first_key_value().map(|((at, _), _)| Instant::from_nanos(*at));
        let Some(now) = visavis_core::earliest(event, buffer.next_wakeup()) else { break };
        if now > Instant::from_millis(33_000) {
            break;
        }
        if event == Some(now) {
            let ((at, _), event) = call.events.pop_first().unwrap();
            let millis = at as f64 / 1e6;
            match event {
                Event::Capture(frame) => call.capture(millis, frame),
                Event::Nack(seq) => call.send(millis, seq),
                Event::KeyframeWanted => call.key_next = true,
                Event::Arrive(seq) => {
                    let Sent { frame, info } = call.sent[seq as usize];
                    let packet = VideoPacket {
                        seq: ExtSeq(1000 + seq),
                        timestamp: ExtTimestamp(77 + frame * 3000),
                        info,
                        packet: seq,
                    };
                    let _ = buffer.insert(now, packet);
                    call.asked.remove(&seq);
                    let from = call.highest.map_or(seq, |highest| highest + 1);
                    for missing in from..seq {
                        call.asked.insert(missing, (0, now));
                    }
                    call.highest = call.highest.max(Some(seq));
                    if scenario.nack {
                        let before = buffer.nothing_before().0.saturating_sub(1000);
                        call.ask_for_missing(now, before);
                    }
                }
            }
        }
        while let Some(output) = buffer.poll(now, &mut ()) {
            match output {
                VideoOutput::Frame(ready) => {
                    let seqs: Vec<u64> = buffer.packets(&ready).copied().collect();
                    let frame = (ready.timestamp.0 - 77) / 3000;
                    let whole: Vec<u64> = (0..call.sent.len() as u64)
                        .filter(|s| call.sent[*s as usize].frame == frame)
                        .collect();
                    assert_eq!(seqs, whole, "a frame is all its packets in order");
                    let follows = shown.last().is_none_or(|(last, _, _)| *last + 1 == frame);
                    assert!(follows || ready.keyframe, "frame {frame} can't be decoded");
                    assert!(ready.render_at >= now);
                    let mut returned = 0;
                    buffer.release(&ready, |_| returned += 1);
                    assert_eq!(returned, seqs.len());
                    let at = ready.render_at.as_millis_f64();
                    let complete = capture(frame) + scenario.one_way;
                    shown.push((frame, at, at - complete));
                }
                VideoOutput::RequestKeyframe => {
                    call.at(now.as_millis_f64() + scenario.one_way, Event::KeyframeWanted);
                }
                VideoOutput::Abandoned { .. } | VideoOutput::Discarded { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let mut added: Vec<f64> = shown.iter().map(|(_, _, added)| *added).collect();
    added.sort_by(f64::total_cmp);
    assert!(shown.windows(2).all(|two| two[0].1 <= two[1].1 && two[0].0 < two[1].0));
    Result {
        rendered: 100.0 * shown.len() as f64 / frames as f64,
        added_mean: added.iter().sum::<f64>() / added.len() as f64,
        added_p95: added[added.len() * 95 / 100],
        longest_gap: shown.windows(2).map(|two| two[1].1 - two[0].1).fold(0.0, f64::max),
        requests: buffer.stats().keyframe_requests,
        gave_up: buffer.stats().gave_up,
    }
}

#[test]
fn frames_over_bad_networks() {
    let rows = [
        ("clean, 20 ms", Scenario { one_way: 20.0, jitter: 0.0, loss: 0.0, nack: true }),
        ("jitter 20 ms", Scenario { one_way: 20.0, jitter: 20.0, loss: 0.0, nack: true }),
        ("loss 1 %, rtt 50", Scenario { one_way: 25.0, jitter: 5.0, loss: 1.0, nack: true }),
        ("loss 5 %, rtt 50", Scenario { one_way: 25.0, jitter: 5.0, loss: 5.0, nack: true }),
        ("loss 5 %, rtt 100", Scenario { one_way: 50.0, jitter: 20.0, loss: 5.0, nack: true }),
        ("loss 10 %, rtt 150", Scenario { one_way: 75.0, jitter: 5.0, loss: 10.0, nack: true }),
        ("loss 1 %, no nack", Scenario { one_way: 20.0, jitter: 5.0, loss: 1.0, nack: false }),
    ];
    let mut table = String::from(
        "                     rendered%  added mean   p95  longest gap  requests  gave up\n",
    );
    let mut of = BTreeMap::new();
    for (name, scenario) in rows {
        let all: Vec<Result> = (1..=5).map(|seed| run(scenario, seed)).collect();
        let mean = |get: fn(&Result) -> f64| all.iter().map(get).sum::<f64>() / all.len() as f64;
        let longest = all.iter().map(|r| r.longest_gap).fold(0.0, f64::max);
        writeln!(
            table,
            "{name:<20} {:9.2} {:11.1} {:5.0} {:12.0} {:9.1} {:8.1}",
            mean(|r| r.rendered),
            mean(|r| r.added_mean),
            mean(|r| r.added_p95),
            longest,
            mean(|r| r.requests as f64),
            mean(|r| r.gave_up as f64),
        )
        .unwrap();
        of.insert(name, (mean(|r| r.rendered), mean(|r| r.added_p95), longest));
    }
    println!("{table}");
    // Ten milliseconds of each are the pacing of the frame's packets.
    assert!(of["clean, 20 ms"].1 <= 35.0);
    assert!(of["loss 5 %, rtt 100"].0 >= 97.0 && of["loss 5 %, rtt 100"].2 <= 500.0);
    insta::assert_snapshot!(table);
}

//! A call from one session to another.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use common::{Pair, Talk};
use visavis_session::{AudioSource, Output};
use visavis_sim::{LinkConfig, Loss};

fn link() -> LinkConfig {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(20);
    link.seed = 5;
    link
}

#[test]
fn every_frame_arrives_unchanged_and_in_order() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 4000);
    pair.run_for(1000);
    assert_eq!(talk.pictures_sent, 100);
    let mut expected = Vec::new();
    let mut shown = 0;
    for (number, bytes) in (0..).zip(pair.b.pictures()) {
        common::picture(number, number == 0, 1500, &mut expected);
        assert_eq!(bytes, expected, "picture {number}");
        shown += 1;
    }
    assert_eq!(shown, 100);
    let mut heard = 0;
    for (_, output, bytes) in &pair.b.outputs {
        let Output::Audio(chunk) = output else { continue };
        if let AudioSource::Packet { .. } = chunk.source {
            common::sound(chunk.timestamp.0 / 960, &mut expected);
            assert_eq!(bytes, &expected);
            heard += 1;
        }
    }
    assert_eq!(heard, 200);
    assert_eq!(pair.b.dropped, 0);
}

#[test]
fn lost_pictures_are_repaired() {
    let mut lossy = link();
    lossy.loss = Loss::Random(0.05);
    let (mut pair, sound, pictures) = Pair::one_way(&lossy);
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 20_000);
    pair.run_for(1000);
    let shown = pair.b.pictures().count();
    let stats = pair.a.session.stream_stats(pictures).unwrap();
    assert!(shown >= 485, "{shown} of {} shown", talk.pictures_sent);
    assert!(stats.retransmitted > 20, "{stats:?}");
}

#[test]
fn sound_and_pictures_are_timed_together() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 20_000);
    // Both carry wall time by now: what was captured at the same moment is due at the same moment.
    let lags: Vec<_> = pair
        .b
        .outputs
        .iter()
        .rev()
        .take(200)
        .filter_map(|(_, output, _)| match output {
            Output::Audio(chunk) => Some((true, chunk.ntp?, chunk.at)),
            Output::Video(frame) => Some((false, frame.ntp?, frame.render_at)),
            _ => None,
        })
        .collect();
    let lag = |of_sound: bool| {
        let lags = lags.iter().filter(|(sound, ..)| *sound == of_sound);
        let lags: Vec<_> = lags
            .map(|(_, ntp, at)| at.as_millis_f64() - ntp.0 as f64 / 2f64.powi(32) * 1e3)
            .collect();
        lags.iter().sum::<f64>() / lags.len() as f64
    };
    let skew = lag(true) - lag(false);
    assert!(skew.abs() <= 40.0, "skew {skew:.1} ms");
}

#[test]
fn the_same_seed_gives_the_same_call() {
    let run = || {
        let mut lossy = link();
        lossy.loss = Loss::Random(0.03);
        lossy.jitter = Duration::from_millis(15);
        let (mut pair, sound, pictures) = Pair::one_way(&lossy);
        Talk::new(Some(sound), Some(pictures)).run(&mut pair, 3000);
        pair.b.outputs
    };
    assert_eq!(run(), run());
}

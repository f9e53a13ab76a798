//! Whatever somebody without the key sends, the call goes on, and nothing grows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use common::{Pair, Talk, deliver};
use visavis_sim::{LinkConfig, Rng};

fn link() -> LinkConfig {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(20);
    link
}

/// One hostile datagram: random bytes, a cut or changed genuine one, forged RTP or RTCP.
fn hostile(pair: &Pair, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = pair.a.last_sent.clone();
    let below = |rng: &mut Rng, end: usize| usize::try_from(rng.below(end as u64)).unwrap();
    match rng.below(6) {
        0 => {
            let len = below(rng, 1600);
            (0..len).map(|_| u8::try_from(rng.below(256)).unwrap()).collect()
        }
        1 => {
            bytes.truncate(below(rng, bytes.len().max(1)));
            bytes
        }
        2 => {
            let at = below(rng, bytes.len().max(1));
            bytes[at] ^= 1 << rng.below(8);
            bytes
        }
        // A forged packet of a stream that is known, with a sequence number far ahead.
        3 => {
            let mut forged = vec![0; 12 + below(rng, 100)];
            forged[0] = 0x80;
            forged[1] = 102;
            forged[2] = u8::try_from(rng.below(256)).unwrap();
            forged[8..12].copy_from_slice(&common::VIDEO_SSRC.0.to_be_bytes());
            forged
        }
        // A forged BYE, encrypted or not as it says.
        4 => {
            let mut forged = vec![0x81, 203, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
            forged[4..8].copy_from_slice(&common::VIDEO_SSRC.0.to_be_bytes());
            forged[8] = if rng.chance(0.5) { 0x80 } else { 0 };
            forged.resize(12 + below(rng, 40), 0);
            forged
        }
        _ => {
            bytes.extend([0; 500]);
            bytes
        }
    }
}

#[test]
fn a_call_under_attack_goes_on_unharmed() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    let mut rng = Rng::new(7);
    talk.run(&mut pair, 200);
    for _ in 0..400 {
        talk.step(&mut pair);
        for _ in 0..20 {
            let bytes = hostile(&pair, &mut rng);
            let now = pair.now;
            deliver(&mut pair.b, now, bytes.clone());
            deliver(&mut pair.a, now, bytes);
        }
    }
    pair.run_for(1000);
    assert_eq!(pair.b.pictures().count(), usize::try_from(talk.pictures_sent).unwrap());
    assert_eq!(talk.keyframes_sent, 1, "the attack caused keyframe requests");
    let stats = pair.b.session.transport_stats();
    assert!(stats.auth_failures > 1000, "{stats:?}");
    assert_eq!(
        pair.b.count(|o| matches!(
            o,
            visavis_session::Output::Event(visavis_session::Event::Left { .. })
        )),
        0
    );
}

#[test]
fn forged_sources_cost_no_memory() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    pair.a.keep = false;
    pair.b.keep = false;
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 2000);
    let mut datagram = vec![0x5a; 200];
    datagram[..2].copy_from_slice(&[0x80, 102]);
    let now = pair.now;
    let allocated = allocation_counter::measure(|| {
        for ssrc in 0..200_000_u32 {
            datagram[2..4].copy_from_slice(&ssrc.to_be_bytes()[2..]);
            datagram[8..12].copy_from_slice(&ssrc.to_be_bytes());
            let forged = visavis_session::Datagram::new(now, &mut datagram);
            pair.b.session.on_datagram(now, forged);
            datagram[0] = 0x80;
            datagram[1] = 102;
        }
    });
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
    assert!(pair.b.session.transport_stats().auth_failures >= 200_000);
    pair.b.keep = true;
    talk.run(&mut pair, 1000);
    assert!(pair.b.pictures().count() >= 23);
}

#[test]
fn a_replayed_call_is_heard_once() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    let mut recorded = Vec::new();
    for _ in 0..100 {
        talk.step(&mut pair);
        recorded.push(pair.a.last_sent.clone());
    }
    pair.run_for(500);
    let shown = pair.b.pictures().count();
    for datagram in recorded {
        let now = pair.now;
        deliver(&mut pair.b, now, datagram);
    }
    pair.run_for(500);
    assert_eq!(pair.b.pictures().count(), shown);
    assert!(pair.b.session.transport_stats().replays >= 90);
}

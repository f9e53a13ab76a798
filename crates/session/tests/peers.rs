//! Peers that can do less: receiver reports only, a port of its own for RTCP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use common::{Pair, Talk};
use visavis_core::{Bitrate, Engine, Instant, NtpTime};
use visavis_rtp::{DatagramKind, classify};
use visavis_session::{
    Component, Congestion, Feedback, Output, Session, SessionConfig, StreamConfig,
};
use visavis_sim::{Capacity, LinkConfig, Loss};

fn plain(mut stream: StreamConfig) -> StreamConfig {
    stream.feedback = Feedback::NONE;
    stream.extensions = Default::default();
    stream.rtx_payload_type = None;
    stream.layers[0].rtx = None;
    stream
}

fn avp(seed: u64) -> Session {
    let mut config = SessionConfig::default();
    config.seed = seed;
    config.congestion = Congestion::ReceiverReports;
    config.reduced_size = false;
    config.rtcp_mux = false;
    let mut session = Session::new(Instant::ZERO, config).unwrap();
    session.on_wall_clock(Instant::ZERO, NtpTime::from_unix(Duration::from_secs(1_000_000)));
    session
}

fn avp_call(link: &LinkConfig) -> (Pair, Talk, visavis_session::StreamId) {
    let (mut a, mut b) = (avp(1), avp(2));
    a.set_keys(&common::keys(1, 2)).unwrap();
    b.set_keys(&common::keys(2, 1)).unwrap();
    let sound = a.add_sender(plain(common::audio())).unwrap();
    let pictures = a.add_sender(plain(common::video())).unwrap();
    b.add_receiver(plain(common::audio())).unwrap();
    b.add_receiver(plain(common::video())).unwrap();
    (Pair::new(a, b, link), Talk::new(Some(sound), Some(pictures)), pictures)
}

#[test]
fn receiver_reports_alone_carry_a_call() {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(30);
    let (mut pair, mut talk, _) = avp_call(&link);
    talk.run(&mut pair, 10_000);
    pair.run_for(500);
    assert_eq!(pair.b.pictures().count(), 250);
    let stats = pair.a.session.transport_stats();
    assert!((0.055..0.075).contains(&stats.round_trip), "{stats:?}");
}

#[test]
fn receiver_reports_of_heavy_loss_lower_the_target() {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(30);
    link.loss = Loss::Random(0.3);
    link.capacity = Capacity::unlimited();
    let (mut pair, mut talk, pictures) = avp_call(&link);
    talk.run(&mut pair, 30_000);
    let last = pair.a.outputs.iter().rev().find_map(|(_, output, _)| match output {
        Output::Target(target) if target.stream == pictures => Some(target.bitrate),
        _ => None,
    });
    assert!(last.unwrap() < Bitrate::from_kbps(300), "{last:?}");
}

#[test]
fn rtcp_has_a_port_of_its_own_where_it_is_not_multiplexed() {
    let mut a = avp(1);
    a.set_keys(&common::keys(1, 2)).unwrap();
    a.add_receiver(plain(common::audio())).unwrap();
    let mut buffer = vec![0; a.buffer_len()];
    let mut now = Instant::ZERO;
    let mut reports = 0;
    while now < Instant::from_millis(5000) {
        while let Some(output) = a.poll(now, &mut buffer) {
            let Output::Transmit(transmit) = output else { continue };
            assert_eq!(transmit.component, Component::Rtcp);
            assert_eq!(classify(&buffer[..transmit.len]), DatagramKind::Rtcp);
            reports += 1;
        }
        now = a.next_wakeup().unwrap();
    }
    assert!((3..=10).contains(&reports), "{reports} reports in 5 s");
}

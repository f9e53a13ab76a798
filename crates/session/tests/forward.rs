//! A forwarder between two endpoints: packets of one session become packets of another.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use common::{Pair, Talk};
use visavis_core::{PayloadType, Ssrc};
use visavis_rtp::{ExtensionId, ExtensionMap, Packet};
use visavis_session::{Event, Faces, Layer, Output};
use visavis_sim::{LinkConfig, Loss};

#[test]
fn a_stream_is_forwarded_between_two_sessions_with_other_numbers_and_keys() {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(10);
    link.loss = Loss::Random(0.02);
    // From the camera to the forwarder, which wants packets only.
    let (mut camera, mut inner) = (common::session(1), common::session(2));
    camera.set_keys(&common::keys(1, 2)).unwrap();
    inner.set_keys(&common::keys(2, 1)).unwrap();
    let pictures = camera.add_sender(common::video()).unwrap();
    let mut incoming = common::video();
    incoming.faces = Faces::PACKETS;
    let received = inner.add_receiver(incoming).unwrap();
    let mut first = Pair::new(camera, inner, &link);

    // From the forwarder to a viewer, under other keys, numbers and extension ids.
    let (mut outer, mut viewer) = (common::session(3), common::session(4));
    outer.set_keys(&common::keys(3, 4)).unwrap();
    viewer.set_keys(&common::keys(4, 3)).unwrap();
    let mut outgoing = common::video();
    outgoing.payload_type = PayloadType::new(120).unwrap();
    outgoing.rtx_payload_type = PayloadType::new(121);
    outgoing.layers = vec![Layer { rtx: Some(Ssrc(91)), ..Layer::new(Ssrc(90)) }];
    let mut map = ExtensionMap::default();
    map.transport_seq = ExtensionId::new(9);
    outgoing.extensions = map;
    let sent = outer.add_sender(outgoing.clone()).unwrap();
    viewer.add_receiver(outgoing).unwrap();
    let mut second = Pair::new(outer, viewer, &link);

    let mut talk = Talk::new(None, Some(pictures));
    for _ in 0..500 {
        talk.step(&mut first);
        for (_, output, bytes) in first.b.outputs.drain(..) {
            let Output::Packet(packet) = output else { continue };
            assert_eq!(packet.stream, received);
            let packet = Packet::parse(&bytes).unwrap();
            let now = second.now;
            second.a.session.forward(now, sent, 0, &packet, &common::video().extensions).unwrap();
        }
        // The viewer's need of a keyframe goes back to the camera.
        let wanted = |o: &Output| matches!(o, Output::Event(Event::KeyframeRequested { .. }));
        if second.a.count(wanted) > 0 {
            let now = first.now;
            first.b.session.request_keyframe(now, received, 0);
        }
        second.a.outputs.clear();
        second.run_until(first.now);
    }
    first.run_for(500);
    second.run_for(500);
    let shown = second.b.pictures().count();
    assert!(shown >= 240, "{shown} of {} shown", talk.pictures_sent);
    let mut expected = Vec::new();
    common::picture(0, true, 1500, &mut expected);
    assert_eq!(second.b.pictures().next(), Some(expected.as_slice()));
}

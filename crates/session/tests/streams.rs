//! Streams that come late, pause and go; keys that change; frames that are transformed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use common::{Pair, Side, Talk};
use visavis_core::{Engine, Instant, RtpTimestamp};
use visavis_session::{
    AudioSource, Disposition, DropReason, Event, Faces, FrameTransform, Layer, OutgoingFrame,
    Output, Role, SendError, StreamId, TransformError,
};
use visavis_sim::LinkConfig;

fn link() -> LinkConfig {
    let mut link = LinkConfig::default();
    link.delay = Duration::from_millis(20);
    link
}

fn heard(side: &Side) -> usize {
    side.count(|output| {
        matches!(output, Output::Audio(chunk) if matches!(chunk.source, AudioSource::Packet { .. }))
    })
}

#[test]
fn an_unknown_ssrc_finds_its_stream_by_its_mid() {
    let (mut a, mut b) = (common::session(1), common::session(2));
    a.set_keys(&common::keys(1, 2)).unwrap();
    b.set_keys(&common::keys(2, 1)).unwrap();
    let sound = a.add_sender(common::audio()).unwrap();
    let pictures = a.add_sender(common::video()).unwrap();
    for mut stream in [common::audio(), common::video()] {
        stream.layers = vec![Layer::UNKNOWN];
        b.add_receiver(stream).unwrap();
    }
    let mut pair = Pair::new(a, b, &link());
    Talk::new(Some(sound), Some(pictures)).run(&mut pair, 2000);
    pair.run_for(500);
    assert_eq!(heard(&pair.b), 100);
    assert_eq!(pair.b.pictures().count(), 50);
    for expected in [common::AUDIO_SSRC, common::VIDEO_SSRC] {
        let bound =
            |o: &Output| matches!(o, Output::Event(Event::Bound { ssrc, .. }) if *ssrc == expected);
        assert_eq!(pair.b.count(bound), 1);
    }
}

#[test]
fn an_ssrc_without_a_mid_is_told_of_and_can_be_bound() {
    let (mut a, mut b) = (common::session(1), common::session(2));
    a.set_keys(&common::keys(1, 2)).unwrap();
    b.set_keys(&common::keys(2, 1)).unwrap();
    let mut stream = common::audio();
    stream.extensions.mid = None;
    let sound = a.add_sender(stream.clone()).unwrap();
    stream.layers = vec![Layer::UNKNOWN];
    let received = b.add_receiver(stream).unwrap();
    let mut pair = Pair::new(a, b, &link());
    let mut talk = Talk::new(Some(sound), None);
    talk.run(&mut pair, 500);
    let unknown: Vec<_> = pair
        .b
        .outputs
        .iter()
        .filter_map(|(_, output, _)| match output {
            Output::Event(Event::UnknownSsrc { ssrc, payload_type }) => {
                Some((*ssrc, payload_type.get()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(unknown, [(common::AUDIO_SSRC, 111)]);
    pair.b.session.bind(received, 0, common::AUDIO_SSRC, Role::Media).unwrap();
    talk.run(&mut pair, 1000);
    assert!(heard(&pair.b) >= 45);
}

#[test]
fn a_removed_stream_says_goodbye_and_leaves_the_others_alone() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 1000);
    let now = pair.now;
    assert!(pair.a.session.remove(now, pictures));
    assert!(!pair.a.session.remove(now, pictures));
    talk.pictures = None;
    let before = heard(&pair.b);
    talk.run(&mut pair, 1000);
    assert!(heard(&pair.b) - before >= 49);
    let left = |o: &Output| matches!(o, Output::Event(Event::Left { ssrc, .. }) if *ssrc == common::VIDEO_SSRC);
    assert_eq!(pair.b.count(left), 1);
    // The same SSRC may come again.
    talk.pictures = Some(pair.a.session.add_sender(common::video()).unwrap());
    talk.run(&mut pair, 100);
}

#[test]
fn a_paused_stream_sends_nothing_and_goes_on_later() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 1000);
    let now = pair.now;
    assert!(pair.a.session.pause(now, pictures));
    let frame = OutgoingFrame::new(&[0, 0, 1, 0x61, 1], RtpTimestamp(0), now);
    assert_eq!(pair.a.session.send_frame(now, pictures, &frame), Err(SendError::Paused));
    talk.run(&mut pair, 1000);
    let before = pair.b.pictures().count();
    assert!(pair.a.session.resume(pictures));
    talk.run(&mut pair, 2000);
    assert!(pair.b.pictures().count() >= before + 40);
}

#[test]
fn a_paused_receiver_asks_for_a_keyframe_when_it_goes_on() {
    let (mut a, mut b) = (common::session(1), common::session(2));
    a.set_keys(&common::keys(1, 2)).unwrap();
    b.set_keys(&common::keys(2, 1)).unwrap();
    let pictures = a.add_sender(common::video()).unwrap();
    let receiver = b.add_receiver(common::video()).unwrap();
    let mut pair = Pair::new(a, b, &link());
    let mut talk = Talk::new(None, Some(pictures));
    talk.run(&mut pair, 1000);
    let now = pair.now;
    assert!(pair.b.session.pause(now, receiver));
    talk.run(&mut pair, 1000);
    let before = pair.b.pictures().count();
    assert!(pair.b.session.resume(receiver));
    talk.run(&mut pair, 2000);
    assert_eq!(talk.keyframes_sent, 2);
    assert!(pair.b.pictures().count() >= before + 40);
}

#[test]
fn nothing_is_sent_or_read_before_there_are_keys() {
    let (mut a, mut b) = (common::session(1), common::session(2));
    let sound = a.add_sender(common::audio()).unwrap();
    b.add_receiver(common::audio()).unwrap();
    let frame = OutgoingFrame::new(&[0x48, 1], RtpTimestamp(0), Instant::ZERO);
    assert_eq!(a.send_frame(Instant::ZERO, sound, &frame), Err(SendError::NoKeys));
    let mut datagram = [0x80; 100];
    let datagram = visavis_session::Datagram::new(Instant::ZERO, &mut datagram);
    let dropped = b.on_datagram(Instant::ZERO, datagram);
    assert_eq!(dropped, Disposition::Dropped(DropReason::NoKeys));
    let mut pair = Pair::new(a, b, &link());
    pair.run_for(3000);
    assert_eq!(pair.a.sent + pair.b.sent, 0);
    pair.a.session.set_keys(&common::keys(1, 2)).unwrap();
    pair.b.session.set_keys(&common::keys(2, 1)).unwrap();
    Talk::new(Some(sound), None).run(&mut pair, 1000);
    assert!(heard(&pair.b) >= 47);
}

#[test]
fn keys_change_without_a_gap() {
    let (mut pair, sound, pictures) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), Some(pictures));
    talk.run(&mut pair, 2000);
    // The receiver first, as after a new handshake; packets under the old keys are still on the way.
    pair.b.session.set_keys(&common::keys(4, 3)).unwrap();
    talk.run(&mut pair, 100);
    pair.a.session.set_keys(&common::keys(3, 4)).unwrap();
    talk.run(&mut pair, 4000);
    pair.run_for(500);
    assert_eq!(pair.b.pictures().count(), usize::try_from(talk.pictures_sent).unwrap());
    assert_eq!(heard(&pair.b), usize::try_from(talk.sounds_sent).unwrap());
}

/// Adds a byte and flips the others: enough to see that frames pass through it.
struct Flip {
    refuse: bool,
}

impl FrameTransform for Flip {
    fn max_output(&self, input: usize) -> usize {
        input + 1
    }
    fn outgoing(
        &mut self,
        _: StreamId,
        frame: &[u8],
        out: &mut [u8],
    ) -> Result<usize, TransformError> {
        out[0] = frame[0];
        out[frame.len()] = 0xee;
        out[1..frame.len()].iter_mut().zip(&frame[1..]).for_each(|(o, f)| *o = !f);
        Ok(frame.len() + 1)
    }
    fn incoming(
        &mut self,
        _: StreamId,
        frame: &[u8],
        out: &mut [u8],
    ) -> Result<usize, TransformError> {
        let [first, middle @ .., 0xee] = frame else { return Err(TransformError::Refused) };
        if self.refuse {
            return Err(TransformError::Refused);
        }
        out[0] = *first;
        out[1..=middle.len()].iter_mut().zip(middle).for_each(|(o, f)| *o = !f);
        Ok(middle.len() + 1)
    }
}

#[test]
fn frames_pass_through_the_transform_on_both_sides() {
    let (mut pair, sound, _) = Pair::one_way(&link());
    pair.a.session.set_frame_transform(Box::new(Flip { refuse: false }));
    pair.b.session.set_frame_transform(Box::new(Flip { refuse: false }));
    Talk::new(Some(sound), None).run(&mut pair, 1000);
    pair.run_for(200);
    assert_eq!(heard(&pair.b), 50);
    let mut expected = Vec::new();
    for (_, output, bytes) in &pair.b.outputs {
        if let Output::Audio(chunk) = output
            && let AudioSource::Packet { .. } = chunk.source
        {
            common::sound(chunk.timestamp.0 / 960, &mut expected);
            assert_eq!(bytes, &expected);
        }
    }
}

#[test]
fn a_frame_that_the_transform_refuses_counts_as_lost() {
    let (mut pair, sound, _) = Pair::one_way(&link());
    pair.a.session.set_frame_transform(Box::new(Flip { refuse: false }));
    pair.b.session.set_frame_transform(Box::new(Flip { refuse: true }));
    Talk::new(Some(sound), None).run(&mut pair, 1000);
    assert_eq!(heard(&pair.b), 0);
    assert!(pair.b.count(|o| matches!(o, Output::Audio(_))) > 40);
}

#[test]
fn a_recorder_sees_each_packet_of_both_directions_in_the_clear() {
    let (mut a, mut b) = (common::session(1), common::session(2));
    a.set_keys(&common::keys(1, 2)).unwrap();
    b.set_keys(&common::keys(2, 1)).unwrap();
    let mut stream = common::audio();
    stream.faces = Faces::BOTH;
    let sound = a.add_sender(stream.clone()).unwrap();
    b.add_receiver(stream).unwrap();
    let mut pair = Pair::new(a, b, &link());
    Talk::new(Some(sound), None).run(&mut pair, 3000);
    pair.run_for(200);
    assert_eq!(heard(&pair.b), 150);
    let packets = |side: &Side, sent: bool| -> Vec<Vec<u8>> {
        let packets = side.outputs.iter().filter_map(|(_, output, bytes)| match output {
            Output::Packet(packet) if packet.sent == sent => Some(bytes.clone()),
            _ => None,
        });
        packets.collect()
    };
    let (sent, received) = (packets(&pair.a, true), packets(&pair.b, false));
    assert_eq!(sent.len(), 150);
    assert_eq!(received.len(), 150);
    let payload =
        |bytes: &Vec<u8>| visavis_rtp::Packet::parse(bytes.clone()).unwrap().payload().to_vec();
    assert!(sent.iter().map(payload).eq(received.iter().map(payload)));
    // Once a sender report has come, media time maps to wall time.
    assert!(
        pair.b.outputs.iter().any(|(_, o, _)| matches!(o, Output::Packet(p) if p.ntp.is_some()))
    );
}

#[test]
fn a_short_buffer_is_said_once_and_loses_nothing() {
    let (mut pair, sound, _) = Pair::one_way(&link());
    let mut talk = Talk::new(Some(sound), None);
    talk.run(&mut pair, 100);
    let now = pair.now + Duration::from_secs(1);
    let mut short = [0; 100];
    let first = pair.b.session.poll(now, &mut short);
    assert!(matches!(first, Some(Output::Event(Event::BufferTooShort { needed })) if needed > 100));
    assert_eq!(pair.b.session.poll(now, &mut short), None);
    assert_eq!(pair.b.session.next_wakeup(), None);
    pair.run_for(1000);
    assert!(heard(&pair.b) >= 5);
}

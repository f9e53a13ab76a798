//! Two sessions with a network between them, in virtual time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]
#![allow(dead_code, reason = "each test uses a part of it")]

use core::time::Duration;

use visavis_core::{Engine, Instant, NtpTime, RtpTimestamp, Ssrc, earliest};
use visavis_session::{
    Datagram, Disposition, Keys, OutgoingFrame, Output, Session, SessionConfig, StreamConfig,
    StreamId,
};
use visavis_sim::{Link, LinkConfig};
use visavis_srtp::{MasterKey, Profile};

pub(crate) const AUDIO_SSRC: Ssrc = Ssrc(0x00a0_d100);
pub(crate) const VIDEO_SSRC: Ssrc = Ssrc(0x0071_de00);
pub(crate) const RTX_SSRC: Ssrc = Ssrc(0x0071_de01);

pub(crate) fn audio() -> StreamConfig {
    StreamConfig::opus(AUDIO_SSRC)
}

pub(crate) fn video() -> StreamConfig {
    StreamConfig::h264(VIDEO_SSRC, Some(RTX_SSRC))
}

pub(crate) fn key(byte: u8) -> MasterKey {
    let profile = Profile::AeadAes128Gcm;
    let bytes = vec![byte; profile.key_len() + profile.salt_len()];
    MasterKey::from_concatenated(profile, &bytes).unwrap()
}

/// Keys for one side; the other side has them the other way round.
pub(crate) fn keys(send: u8, receive: u8) -> Keys {
    Keys { send: key(send), receive: key(receive) }
}

pub(crate) fn session(seed: u64) -> Session {
    let mut config = SessionConfig::default();
    config.seed = seed;
    let mut session = Session::new(Instant::ZERO, config).unwrap();
    session.on_wall_clock(Instant::ZERO, NtpTime::from_unix(Duration::from_secs(1_000_000)));
    session
}

/// A frame that looks like H.264: parameter sets and an IDR picture, or a predicted one. Its bytes
/// follow from `number`.
pub(crate) fn picture(number: u32, keyframe: bool, len: usize, out: &mut Vec<u8>) {
    out.clear();
    if keyframe {
        out.extend([0, 0, 0, 1, 0x67, 0x42, 0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    out.extend([0, 0, 0, 1, if keyframe { 0x65 } else { 0x61 }]);
    out.extend(number.to_be_bytes().map(|byte| byte | 0x80));
    // Never two zeros in a row, so that no start code is made up.
    out.extend((0..len).map(|i| u8::try_from((i + number as usize) % 255).unwrap() | 1));
}

/// An Opus packet of one SILK frame of 20 ms as far as its first byte says.
pub(crate) fn sound(number: u32, out: &mut Vec<u8>) {
    out.clear();
    out.push(0x48);
    out.extend((0..80).map(|i| u8::try_from((i * 7 + number) % 256).unwrap()));
}

pub(crate) struct Side {
    pub(crate) session: Session,
    pub(crate) link: Link<Vec<u8>>,
    /// Everything that came out, but for datagrams; bytes with it where it has some.
    pub(crate) outputs: Vec<(Instant, Output, Vec<u8>)>,
    pub(crate) keep: bool,
    pub(crate) sent: u64,
    pub(crate) dropped: u64,
    /// The latest datagram, as it left.
    pub(crate) last_sent: Vec<u8>,
    buffer: Vec<u8>,
}

impl Side {
    pub(crate) fn new(session: Session, link: LinkConfig) -> Self {
        let buffer = vec![0; session.buffer_len()];
        let link = Link::new(link).unwrap();
        Self {
            session,
            link,
            outputs: Vec::new(),
            keep: true,
            sent: 0,
            dropped: 0,
            last_sent: Vec::new(),
            buffer,
        }
    }

    pub(crate) fn drain(&mut self, now: Instant) {
        while let Some(output) = self.session.poll(now, &mut self.buffer) {
            let len = match output {
                Output::Transmit(transmit) => {
                    let datagram = self.buffer[..transmit.len].to_vec();
                    self.sent += 1;
                    self.last_sent.clone_from(&datagram);
                    let _ = self.link.send(now, datagram.len(), datagram);
                    continue;
                }
                Output::Video(frame) => frame.len,
                Output::Packet(packet) => packet.len,
                Output::Audio(chunk) => match chunk.source {
                    visavis_session::AudioSource::Packet { len }
                    | visavis_session::AudioSource::Redundancy { len } => len,
                    visavis_session::AudioSource::Lost => 0,
                },
                _ => 0,
            };
            if self.keep {
                self.outputs.push((now, output, self.buffer[..len].to_vec()));
            }
        }
    }

    pub(crate) fn pictures(&self) -> impl Iterator<Item = &[u8]> {
        self.outputs.iter().filter_map(|(_, output, bytes)| {
            matches!(output, Output::Video(_)).then_some(bytes.as_slice())
        })
    }

    pub(crate) fn count(&self, what: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().filter(|(_, output, _)| what(output)).count()
    }
}

/// Two sides; what one sends goes through its link to the other.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) a: Side,
    pub(crate) b: Side,
}

impl Pair {
    pub(crate) fn new(a: Session, b: Session, link: &LinkConfig) -> Self {
        let mut back = link.clone();
        back.seed = link.seed.wrapping_add(1);
        Self { now: Instant::ZERO, a: Side::new(a, link.clone()), b: Side::new(b, back) }
    }

    /// A call with one stream of each kind from `a` to `b`.
    pub(crate) fn one_way(link: &LinkConfig) -> (Self, StreamId, StreamId) {
        let (mut a, mut b) = (session(1), session(2));
        a.set_keys(&keys(1, 2)).unwrap();
        b.set_keys(&keys(2, 1)).unwrap();
        let (sound, pictures) = (a.add_sender(audio()).unwrap(), a.add_sender(video()).unwrap());
        b.add_receiver(audio()).unwrap();
        b.add_receiver(video()).unwrap();
        (Self::new(a, b, link), sound, pictures)
    }

    /// Lets everything happen that is due up to `until`.
    pub(crate) fn run_until(&mut self, until: Instant) {
        loop {
            self.a.drain(self.now);
            self.b.drain(self.now);
            let due = [
                self.a.session.next_wakeup(),
                self.b.session.next_wakeup(),
                self.a.link.next_wakeup(),
                self.b.link.next_wakeup(),
            ];
            let due = due.into_iter().fold(None, earliest);
            self.now = due.filter(|due| *due <= until).unwrap_or(until).max(self.now);
            let now = self.now;
            while let Some(delivery) = self.a.link.poll(now, &mut ()) {
                deliver(&mut self.b, delivery.at, delivery.packet);
            }
            while let Some(delivery) = self.b.link.poll(now, &mut ()) {
                deliver(&mut self.a, delivery.at, delivery.packet);
            }
            if due.is_none_or(|due| due > until) {
                self.a.drain(now);
                self.b.drain(now);
                return;
            }
        }
    }

    pub(crate) fn run_for(&mut self, millis: u64) {
        self.run_until(self.now + Duration::from_millis(millis));
    }
}

pub(crate) fn deliver(side: &mut Side, at: Instant, mut data: Vec<u8>) {
    let disposition = side.session.on_datagram(at, Datagram::new(at, &mut data));
    if matches!(disposition, Disposition::Dropped(_)) {
        side.dropped += 1;
    }
}

/// Sends sound each 20 ms and pictures at 25 fps from the first side for `millis`. Answers keyframe requests.
pub(crate) struct Talk {
    pub(crate) sound: Option<StreamId>,
    pub(crate) pictures: Option<StreamId>,
    pub(crate) picture_len: usize,
    pub(crate) sounds_sent: u32,
    pub(crate) pictures_sent: u32,
    pub(crate) keyframes_sent: u32,
    seen: usize,
    bytes: Vec<u8>,
}

impl Talk {
    pub(crate) fn new(sound: Option<StreamId>, pictures: Option<StreamId>) -> Self {
        Self {
            sound,
            pictures,
            picture_len: 1500,
            sounds_sent: 0,
            pictures_sent: 0,
            keyframes_sent: 0,
            seen: 0,
            bytes: Vec::with_capacity(100_000),
        }
    }

    pub(crate) fn run(&mut self, pair: &mut Pair, millis: u64) {
        let until = pair.now + Duration::from_millis(millis);
        while pair.now < until {
            self.step(pair);
        }
    }

    /// 20 ms of it.
    pub(crate) fn step(&mut self, pair: &mut Pair) {
        let now = pair.now;
        if let Some(stream) = self.sound {
            sound(self.sounds_sent, &mut self.bytes);
            let timestamp = RtpTimestamp(self.sounds_sent.wrapping_mul(960));
            let frame = OutgoingFrame::new(&self.bytes, timestamp, now);
            let _ = pair.a.session.send_frame(now, stream, &frame);
            self.sounds_sent += 1;
        }
        if let Some(stream) =
            self.pictures.filter(|_| (now.as_nanos() / 20_000_000).is_multiple_of(2))
        {
            let wanted = pair.a.outputs[self.seen.min(pair.a.outputs.len())..].iter().any(
                |(_, output, _)| {
                    matches!(
                        output,
                        Output::Event(visavis_session::Event::KeyframeRequested { .. })
                    )
                },
            );
            self.seen = pair.a.outputs.len();
            let keyframe = self.pictures_sent == 0 || wanted;
            self.keyframes_sent += u32::from(keyframe);
            picture(self.pictures_sent, keyframe, self.picture_len, &mut self.bytes);
            let timestamp = RtpTimestamp(self.pictures_sent.wrapping_mul(3600));
            let frame = OutgoingFrame::new(&self.bytes, timestamp, now);
            let _ = pair.a.session.send_frame(now, stream, &frame);
            self.pictures_sent += 1;
        }
        pair.run_for(20);
    }
}

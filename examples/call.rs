//! A two-way encrypted audio and video call between two endpoints, through a bad network.
//!
//! `cargo run --release --example call -- --help` lists the options. What to read here: an
//! [`Endpoint`] is all that an app with calls needs around a [`Session`]. Encoded frames go in;
//! datagrams to send, sound to play and pictures to show come out, each with its time. The same
//! endpoints run over UDP sockets in real time, and over an emulated network in virtual time.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "lengths are those that the buffer's owner gave; checking them again would hide the example"
)]

use core::time::Duration;
use std::process::ExitCode;

use anyhow::Result;
use support::cli::{self, CallOptions};
use support::devices::{Camera, Captured, Microphone, Speaker};
use support::live::Live;
use support::meter::{Counters, Direction, Sound};
use support::outcome;
use support::transport::Transport;
use support::video::VideoCodec;
use visavis::codec::{AudioInput, VideoDecoder};
use visavis::jitter::TimeStretch;
use visavis::session::{
    AudioChunk, AudioSource, Datagram, Event, Keys, OutgoingFrame, Output, Session, SessionConfig,
    StreamConfig, StreamId, VideoFrame,
};
use visavis::srtp::{MasterKey, Profile};
use visavis::{Bitrate, Engine, Instant, Ssrc, earliest, sim::Rng};

/// What is under way when the call ends still arrives and is played.
const DRAIN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    cli::run(|| {
        let options = CallOptions::from_args()?;
        outcome::finish(&options, call(&options)?)
    })
}

/// Runs the call and says what was measured from A to B, and back.
pub(crate) fn call(options: &CallOptions) -> Result<[Direction; 2]> {
    let mut ends = [Endpoint::new(options, 0)?, Endpoint::new(options, 1)?];
    let mut ways = [
        Direction::new(options, "a_to_b", ends[0].camera.source())?,
        Direction::new(options, "b_to_a", ends[1].camera.source())?,
    ];
    let mut transport = Transport::open(options)?;
    let mut live = Live::new(options);
    let end = Instant::ZERO + options.duration() + DRAIN;
    for endpoint in &mut ends {
        endpoint.session.on_wall_clock(transport.now(), transport.wall_time());
    }
    while transport.now() < end {
        for side in 0..2 {
            let now = transport.now();
            let [a_to_b, b_to_a] = &mut ways;
            let (out, into) = if side == 0 { (a_to_b, b_to_a) } else { (b_to_a, a_to_b) };
            ends[side].capture(now, out)?;
            ends[side].poll(now, out, into, |datagram| transport.send(side, datagram))?;
            out.on_network(now, transport.stats()[side]);
            into.on_counters(now, ends[side].counters(&ends[1 - side]));
        }
        live.show(transport.now(), ways.each_ref());
        let wakeup = earliest(ends[0].next_wakeup(), ends[1].next_wakeup()).unwrap_or(end);
        if let Some((side, now, datagram)) = transport.receive(wakeup.min(end))? {
            ends[side].session.on_datagram(now, Datagram::new(now, datagram));
        }
    }
    live.finish();
    Ok(ways)
}

/// One side of the call.
struct Endpoint {
    session: Session,
    sending: [StreamId; 2],
    receiving: [StreamId; 2],
    microphone: Microphone,
    camera: Camera,
    speaker: Speaker,
    decoder: Box<dyn VideoDecoder>,
    stretch: TimeStretch,
    stretched: Vec<f32>,
    buffer: Vec<u8>,
}

impl Endpoint {
    fn new(options: &CallOptions, side: usize) -> Result<Self> {
        let (microphone, camera) = (Microphone::open(options, side)?, Camera::open(options, side)?);
        let mut config = SessionConfig::default();
        config.cname = ["a", "b"][side].into();
        config.seed = options.seed.wrapping_mul(2).wrapping_add(side as u64);
        [config.bitrate.start, config.bitrate.min, config.bitrate.max] = options.rates();
        let mut session = Session::new(Instant::ZERO, config)?;
        let keys = |of| key(options.srtp()?, options.seed, of);
        session.set_keys(&Keys { send: keys(side)?, receive: keys(1 - side)? })?;
        let [sound, pictures] = streams(side, camera.source().codec());
        let sending = [session.add_sender(sound)?, session.add_sender(pictures)?];
        let [sound, pictures] = streams(1 - side, camera.source().codec());
        let receiving = [session.add_receiver(sound)?, session.add_receiver(pictures)?];
        let speaker = Speaker::new(microphone.channels())?;
        let stretch = TimeStretch::new(48_000, speaker.channels(), speaker.longest())?;
        Ok(Self {
            decoder: camera.decoder()?,
            stretched: vec![0.0; speaker.longest() * speaker.channels() + stretch.headroom()],
            buffer: vec![0; session.buffer_len()],
            session,
            sending,
            receiving,
            microphone,
            camera,
            speaker,
            stretch,
        })
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let capture = earliest(self.microphone.next(), self.camera.next());
        earliest(self.session.next_wakeup(), capture)
    }

    /// Captures, encodes and sends what is due.
    fn capture(&mut self, now: Instant, out: &mut Direction) -> Result<()> {
        let [sound, pictures] = self.sending;
        while let Some(Captured { at, timestamp, frame, .. }) = self.microphone.capture(now)? {
            let outgoing = OutgoingFrame::new(frame.data, timestamp, at);
            self.session.send_frame(now, sound, &outgoing)?;
            out.on_audio_sent(at, timestamp, frame.data);
        }
        while let Some(Captured { at, timestamp, frame, number }) = self.camera.capture(now)? {
            let outgoing = OutgoingFrame::new(frame.data, timestamp, at);
            let sent = self.session.send_frame(now, pictures, &outgoing);
            out.on_frame_sent(at, timestamp, number, &frame);
            if sent.is_err() {
                // The network doesn't take this much: the picture is lost, the next one starts anew.
                self.camera.request_keyframe();
            }
        }
        Ok(())
    }

    /// Does what the session says is due.
    fn poll(
        &mut self,
        now: Instant,
        out: &mut Direction,
        into: &mut Direction,
        mut send: impl FnMut(&[u8]),
    ) -> Result<()> {
        while let Some(output) = self.session.poll(now, &mut self.buffer) {
            match output {
                Output::Transmit(datagram) => send(&self.buffer[..datagram.len]),
                Output::Audio(chunk) => self.play(now, &chunk, into)?,
                Output::Video(frame) => self.show(now, &frame, into)?,
                Output::Target(target) => {
                    if target.stream == self.sending[0] {
                        self.microphone.set_expected_loss(target.loss_percent);
                    } else {
                        self.camera.set_bitrate(target.bitrate);
                    }
                    let bps = self.session.transport_stats().target_bps;
                    out.on_target(now, Bitrate::from_bps(bps));
                }
                Output::Event(Event::KeyframeRequested { .. }) => self.camera.request_keyframe(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Decodes a chunk of sound, stretches it as advised, and plays it.
    fn play(&mut self, now: Instant, chunk: &AudioChunk, into: &mut Direction) -> Result<()> {
        let (input, sound) = match chunk.source {
            AudioSource::Packet { len } => {
                (AudioInput::Packet(&self.buffer[..len]), Sound::Decoded)
            }
            AudioSource::Redundancy { len } => {
                (AudioInput::Fec(&self.buffer[..len]), Sound::Repaired)
            }
            AudioSource::Lost => (AudioInput::Lost, Sound::Concealed),
        };
        let pcm = self.speaker.decode(input, chunk.ticks)?;
        let len = self.stretch.process(pcm, chunk.stretch, &mut self.stretched)?;
        let ticks = u32::try_from(len / self.speaker.channels())?;
        self.session.on_played(chunk.stream, ticks);
        // Opus looks ahead: what comes out was captured that much before the packet's time.
        let timestamp = chunk.timestamp.offset(-self.microphone.lookahead());
        let played = (&self.stretched[..len], self.speaker.channels());
        into.on_audio_played(now.max(chunk.at), timestamp, played, sound)
    }

    /// Decodes a picture and shows it.
    fn show(&mut self, now: Instant, frame: &VideoFrame, into: &mut Direction) -> Result<()> {
        let at = now.max(frame.render_at);
        match self.decoder.decode(&self.buffer[..frame.len]) {
            Ok(Some(picture)) => into.on_frame_rendered(at, frame.timestamp, picture)?,
            Ok(None) => {}
            Err(_) => self.session.request_keyframe(now, frame.stream, 0),
        }
        Ok(())
    }

    /// What the report wants to know of the way from `far` to here.
    fn counters(&self, far: &Self) -> Counters {
        let heard = self.session.stream_stats(self.receiving[0]).unwrap_or_default();
        let seen = far.session.stream_stats(far.sending[1]).unwrap_or_default();
        let transport = self.session.transport_stats();
        Counters {
            audio_lost: heard.lost,
            retransmitted: seen.retransmitted,
            audio_buffer: Duration::from_secs_f64(heard.delay),
            auth_failures: transport.auth_failures,
            replays: transport.replays,
        }
    }
}

/// What one side sends, as both sides agreed on: a real app has it from a session description.
fn streams(side: usize, codec: VideoCodec) -> [StreamConfig; 2] {
    let ssrc = |of: u32| Ssrc(0x1000 * (side as u32 + 1) + of);
    let pictures = match codec {
        VideoCodec::H264 => StreamConfig::h264(ssrc(2), Some(ssrc(3))),
        VideoCodec::Av1 => StreamConfig::av1(ssrc(2), Some(ssrc(3))),
    };
    [StreamConfig::opus(ssrc(1)), pictures]
}

/// The key under which one side sends: a real app has it from DTLS or SDES.
fn key(profile: Profile, seed: u64, side: usize) -> Result<MasterKey> {
    let mut random = Rng::new(seed.wrapping_add(side as u64));
    let len = profile.key_len() + profile.salt_len();
    let bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
    Ok(MasterKey::from_concatenated(profile, &bytes)?)
}

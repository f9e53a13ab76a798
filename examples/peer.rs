//! One medium to or from a program that speaks plain SRTP: FFmpeg, GStreamer, a meeting room. The keys
//! are fixed, feedback is what the AVP profile has (reports), RTP and RTCP have a port each.
//!
//! ```text
//! cargo run --release --example peer -- receive --kind video --port 5004 --key HEX --seconds 5
//! cargo run --release --example peer -- send    --kind audio --port 5004 --key HEX --seconds 5
//! ```
//!
//! The last line of stdout is a JSON object that says what was sent, or received and decoded.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "lengths are those that the buffer's owner gave; checking them again would hide the example"
)]

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::UdpSocket;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use support::UsageError;
use support::cli::{self, CallOptions};
use support::devices::{Camera, Captured, Microphone, Speaker};
use visavis::codec::{AudioInput, Limits, VideoDecoder};
use visavis::session::{
    AudioSource, Component, Congestion, Datagram, Event, Feedback, Keys, Layer, OutgoingFrame,
    Output, Role, Session, SessionConfig, StreamConfig, StreamId,
};
use visavis::srtp::{MasterKey, Profile};
use visavis::{Clock, Engine, Instant, MediaKind, PayloadType, Ssrc, h264};

/// One medium to or from a program that speaks plain SRTP.
#[derive(Debug, Parser)]
#[command(name = "peer")]
struct Options {
    /// Send to the port, or receive at it.
    way: Way,
    /// Opus, or H.264.
    #[arg(long)]
    kind: Kind,
    /// The port for RTP on this machine; RTCP has the next one.
    #[arg(long)]
    port: u16,
    /// The payload type that was agreed on.
    #[arg(long, default_value_t = 96)]
    payload_type: u8,
    /// How packets are protected.
    #[arg(long, value_name = "PROFILE", default_value = "AES_CM_128_HMAC_SHA1_80")]
    srtp: String,
    /// Master key and salt, in hexadecimal; the same for both directions.
    #[arg(long, value_name = "HEX")]
    key: String,
    /// How long to send, or to listen.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Send,
    Receive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Audio,
    Video,
}

fn main() -> ExitCode {
    cli::run(|| {
        let options: Options = cli::parse(std::env::args_os())?;
        let seconds = options.seconds.to_string();
        let call =
            CallOptions::from_list(["peer", "--seconds", &seconds, "--srtp", &options.srtp])?;
        let mut peer = Peer::new(&options, call.srtp()?)?;
        match options.way {
            Way::Send => peer.send(&options, &call),
            Way::Receive => peer.receive(&options),
        }
    })
}

/// A session with one stream, and its two sockets.
struct Peer {
    clock: Clock,
    end: Instant,
    session: Session,
    stream: StreamId,
    sockets: [UdpSocket; 2],
    buffer: Vec<u8>,
}

impl Peer {
    fn new(options: &Options, profile: Profile) -> Result<Self> {
        let mut config = SessionConfig::default();
        config.congestion = Congestion::ReceiverReports;
        config.rtcp_mux = false;
        config.reduced_size = false;
        let clock = Clock::new();
        let mut session = Session::new(clock.now(), config)?;
        session.on_wall_clock(clock.now(), clock.ntp());
        let bytes = from_hex(&options.key).context("--key must be hexadecimal")?;
        let key = MasterKey::from_concatenated(profile, &bytes)
            .map_err(|error| UsageError::new(format!("--key: {error}")))?;
        session.set_keys(&Keys { send: key.clone(), receive: key })?;

        let mut stream = match options.kind {
            Kind::Audio => StreamConfig::opus(Ssrc(0x5150)),
            Kind::Video => StreamConfig::h264(Ssrc(0x5151), None),
        };
        stream.payload_type = PayloadType::new(options.payload_type)
            .ok_or_else(|| UsageError::new("--payload-type must be below 128"))?;
        stream.feedback = Feedback::NONE;
        stream.extensions = Default::default();
        let any = Ipv4Addr::LOCALHOST;
        let (stream, sockets) = match options.way {
            Way::Send => {
                let sockets = [UdpSocket::bind((any, 0))?, UdpSocket::bind((any, 0))?];
                sockets[0].connect((any, options.port))?;
                sockets[1].connect((any, options.port + 1))?;
                (session.add_sender(stream)?, sockets)
            }
            Way::Receive => {
                stream.layers = vec![Layer::UNKNOWN];
                let bind = |port| UdpSocket::bind((any, port)).context("the port is in use");
                (session.add_receiver(stream)?, [bind(options.port)?, bind(options.port + 1)?])
            }
        };
        sockets[0].set_read_timeout(Some(Duration::from_millis(2)))?;
        sockets[1].set_nonblocking(true)?;
        let end = clock.now() + Duration::from_secs(options.seconds);
        let buffer = vec![0; session.buffer_len()];
        Ok(Self { clock, end, session, stream, sockets, buffer })
    }

    /// Takes what has come; waits for two milliseconds if nothing has.
    fn listen(&mut self) {
        let mut datagram = [0; 2048];
        for (socket, component) in self.sockets.iter().zip([Component::Rtp, Component::Rtcp]) {
            // A port that nobody listens at answers with an error; that is no reason to stop.
            while let Ok(len) = socket.recv(&mut datagram) {
                let now = self.clock.now();
                let mut arrived = Datagram::new(now, &mut datagram[..len]);
                arrived.component = component;
                self.session.on_datagram(now, arrived);
            }
        }
    }

    fn poll(&mut self) -> Option<Output> {
        loop {
            let output = self.session.poll(self.clock.now(), &mut self.buffer)?;
            match output {
                Output::Transmit(transmit) => {
                    let socket = &self.sockets[usize::from(transmit.component == Component::Rtcp)];
                    let _refused = socket.send(&self.buffer[..transmit.len]);
                }
                // There is no session description: whoever sends here is the one.
                Output::Event(Event::UnknownSsrc { ssrc, .. }) => {
                    let _refused = self.session.bind(self.stream, 0, ssrc, Role::Media);
                }
                _ => return Some(output),
            }
        }
    }

    fn send(&mut self, options: &Options, call: &CallOptions) -> Result<()> {
        let (mut microphone, mut camera) = (Microphone::open(call, 0)?, Camera::open(call, 0)?);
        let start = self.clock.now();
        let (mut frames, mut keyframes) = (0_u32, 0_u32);
        while self.clock.now() < self.end {
            let at = Instant::ZERO + self.clock.now().since(start);
            let captured = match options.kind {
                Kind::Audio => microphone.capture(at)?,
                Kind::Video => camera.capture(at)?,
            };
            if let Some(Captured { at, timestamp, frame, .. }) = captured {
                let captured_at = start + at.since(Instant::ZERO);
                let outgoing = OutgoingFrame::new(frame.data, timestamp, captured_at);
                self.session.send_frame(self.clock.now(), self.stream, &outgoing)?;
                frames += 1;
                keyframes += u32::from(frame.keyframe);
                if frames.is_multiple_of(30) {
                    // Nobody can ask for one.
                    camera.request_keyframe();
                }
            }
            while self.poll().is_some() {}
            self.listen();
        }
        let stats = self.session.stream_stats(self.stream).unwrap_or_default();
        let round_trip_ms = self.session.transport_stats().round_trip * 1e3;
        println!(
            r#"{{"frames":{frames},"keyframes":{keyframes},"packets":{},"round_trip_ms":{round_trip_ms:.2}}}"#,
            stats.packets
        );
        Ok(())
    }

    fn receive(&mut self, options: &Options) -> Result<()> {
        let mut speaker = Speaker::new(2)?;
        let mut decoder = h264::Decoder::new(Limits::default())?;
        let (mut chunks, mut concealed, mut energy, mut samples) = (0_u64, 0_u64, 0.0_f64, 0_u64);
        let (mut pictures, mut broken, mut size) = (0_u64, 0_u64, (0, 0));
        while self.clock.now() < self.end {
            self.listen();
            while let Some(output) = self.poll() {
                match output {
                    Output::Audio(chunk) => {
                        let input = match chunk.source {
                            AudioSource::Packet { len } => AudioInput::Packet(&self.buffer[..len]),
                            AudioSource::Redundancy { len } => AudioInput::Fec(&self.buffer[..len]),
                            AudioSource::Lost => AudioInput::Lost,
                        };
                        chunks += 1;
                        concealed += u64::from(chunk.source == AudioSource::Lost);
                        let sound = speaker.decode(input, chunk.ticks)?;
                        energy += sound.iter().map(|s| f64::from(s * s)).sum::<f64>();
                        samples += sound.len() as u64;
                    }
                    Output::Video(frame) => match decoder.decode(&self.buffer[..frame.len]) {
                        Ok(Some(picture)) => {
                            pictures += 1;
                            size = (picture.width(), picture.height());
                        }
                        Ok(None) => {}
                        Err(_) => broken += 1,
                    },
                    _ => {}
                }
            }
        }
        let (stats, transport) = (
            self.session.stream_stats(self.stream).unwrap_or_default(),
            self.session.transport_stats(),
        );
        ensure!(stats.packets > 0, "nothing came that could be decrypted");
        let what = match options.kind.into() {
            MediaKind::Audio => {
                let loudness = 10.0 * (energy / samples.max(1) as f64).max(1e-12).log10();
                format!(r#""chunks":{chunks},"concealed":{concealed},"loudness_db":{loudness:.1}"#)
            }
            MediaKind::Video => {
                let (width, height) = size;
                format!(
                    r#""pictures":{pictures},"broken":{broken},"width":{width},"height":{height}"#
                )
            }
        };
        println!(
            r#"{{"packets":{},"lost":{},"auth_failures":{},{what}}}"#,
            stats.packets, stats.lost, transport.auth_failures
        );
        Ok(())
    }
}

impl From<Kind> for MediaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Audio => Self::Audio,
            Kind::Video => Self::Video,
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

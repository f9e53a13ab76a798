//! One encrypted audio link from the parts alone, without the session: five seconds of speech over
//! UDP on loopback, with receiver reports on the way back. Assemble your own pipeline like this; take
//! any part away or put another in its place.
//!
//! `cargo run --release --example by_hand`
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "lengths are those that the buffer's owner gave; checking them again would hide the example"
)]

use core::time::Duration;
use std::net::UdpSocket;

use anyhow::Result;
use support::audio::AudioSource;
use visavis::codec::{AudioDecoder, AudioEncoder, AudioInput};
use visavis::jitter::{Action, AudioConfig, AudioPacket, AudioPlayout, PlayoutOutput};
use visavis::payload::{PayloadFormat, opus as opus_payload};
use visavis::rtp::rtcp::{Compound, Rtcp, Writer};
use visavis::rtp::{ExtensionMap, Header, Packet, ReceptionStats};
use visavis::srtp::{self, MasterKey, Profile};
use visavis::{Clock, ClockRate, Engine, Instant, PayloadType, RtpTimestamp, Seq, Ssrc, earliest};
use visavis::{TimestampUnwrapper, opus};

const LENGTH: Instant = Instant::from_millis(5000);
const OPUS: PayloadType = PayloadType::from_low_bits(111);
const SPEAKER: Ssrc = Ssrc(0x0b7_4a4d);
const LISTENER: Ssrc = Ssrc(0x0b7_4a4e);

fn main() -> Result<()> {
    let clock = Clock::new();
    let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    near.set_nonblocking(true)?;

    // The keys come from DTLS or SDES in a real app.
    let key = |byte| MasterKey::from_concatenated(Profile::AeadAes256Gcm, &[byte; 44]);
    let (there, back, limits) = (key(1)?, key(2)?, srtp::Config::default());

    // What the speaker needs.
    let mut source = AudioSource::open(None)?;
    let mut encoder = opus::Encoder::new(opus::OpusConfig::default())?;
    let packetizer = PayloadFormat::Opus.packetizer(1275)?;
    let mut protect = srtp::Sender::new(&there, limits)?;
    let mut unprotect_reports = srtp::Receiver::new(&back, limits)?;
    let (mut seq, mut next_frame) = (Seq(0), Instant::ZERO);

    // What the listener needs.
    let mut unprotect = srtp::Receiver::new(&there, limits)?;
    let mut protect_reports = srtp::Sender::new(&back, limits)?;
    let mut stats = ReceptionStats::new(ClockRate::OPUS);
    let mut timestamps = TimestampUnwrapper::new();
    let mut playout = AudioPlayout::new(AudioConfig::default())?;
    let mut decoder = opus::Decoder::new(1)?;
    let mut next_report = Instant::from_millis(1000);
    let (mut heard, mut concealed, mut energy) = (0, 0, 0.0);

    let (mut buffer, mut frame, mut pcm) = ([0; 1500], [0; 1275], [0.0; 5760]);
    while clock.now() < LENGTH {
        // Speak: encode, packetize, protect, send.
        while next_frame <= clock.now() {
            source.read(&mut pcm[..960]);
            let len = encoder.encode(&pcm[..960], &mut frame)?;
            let header = Header::new(OPUS, seq, RtpTimestamp(u32::from(seq.0) * 960), SPEAKER);
            let start = header.write_into(&ExtensionMap::default(), &mut buffer)?;
            let mut payloads = packetizer.packetize(&frame[..len]);
            while let Some(payload) = payloads.next_into(&mut buffer[start..])? {
                let len = protect.protect_rtp(&mut buffer, start + payload.len)?;
                near.send(&buffer[..len])?;
            }
            seq = seq.next();
            next_frame += Duration::from_millis(20);
        }

        // Listen: receive until something else is due, unprotect, put into the playout buffer. What
        // somebody without the key sends is dropped, whatever it is.
        let wakeup = earliest(playout.next_wakeup(), Some(next_frame)).unwrap_or(LENGTH);
        far.set_read_timeout(Some(wakeup.since(clock.now()).max(Duration::from_micros(1))))?;
        if let Ok(len) = far.recv(&mut buffer)
            && let Ok(len) = unprotect.unprotect_rtp(&mut buffer[..len])
            && let Ok(packet) = Packet::parse(&buffer[..len])
            && let Some(seq) = stats.on_packet(clock.now(), packet.seq(), packet.timestamp())
            && let Ok(ticks) = opus_payload::ticks(packet.payload())
        {
            let packet = AudioPacket {
                seq,
                timestamp: timestamps.unwrap(packet.timestamp()),
                ticks,
                has_fec: opus_payload::has_fec(packet.payload()),
                packet: packet.payload().to_vec(),
            };
            // A packet that is refused comes back; this link has no other use for it.
            drop(playout.insert(clock.now(), packet));
        }

        // Play what is due.
        while let Some(output) = playout.poll(clock.now(), &mut ()) {
            let PlayoutOutput::Play(chunk) = output else { continue };
            let input = match (&chunk.action, playout.upcoming()) {
                (Action::Decode(packet), _) => AudioInput::Packet(packet),
                (Action::Fec, Some(next)) => AudioInput::Fec(next),
                _ => AudioInput::Lost,
            };
            let sound = &mut pcm[..chunk.ticks as usize];
            decoder.decode(input, sound)?;
            heard += chunk.ticks;
            concealed += if chunk.action == Action::Conceal { chunk.ticks } else { 0 };
            energy += sound.iter().map(|sample| sample * sample).sum::<f32>();
        }

        // Report, and read the reports.
        if next_report <= clock.now() {
            let mut writer = Writer::new(&mut buffer);
            writer.receiver_report(LISTENER, [stats.report_block(clock.now(), SPEAKER)])?;
            writer.sdes_cname(LISTENER, "by-hand")?;
            let len = writer.finish();
            let len = protect_reports.protect_rtcp(&mut buffer, len)?;
            far.send(&buffer[..len])?;
            next_report += Duration::from_secs(1);
        }
        while let Ok(len) = near.recv(&mut buffer) {
            let Ok(len) = unprotect_reports.unprotect_rtcp(&mut buffer[..len]) else { continue };
            for packet in Compound::parse(&buffer[..len])?.iter().flatten() {
                let Rtcp::ReceiverReport(report) = packet else { continue };
                for block in report.blocks() {
                    println!("{} lost, jitter {} ticks", block.cumulative_lost, block.jitter);
                }
            }
        }
    }
    let (heard, concealed) = (f64::from(heard), f64::from(concealed));
    let loudness = 10.0 * (f64::from(energy) / heard).log10();
    let (seconds, percent) = (heard / 48e3, concealed / heard * 1e2);
    println!("heard {seconds:.2} s at {loudness:.1} dB, {percent:.2} % of it concealed");
    Ok(())
}

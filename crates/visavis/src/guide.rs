//! How the parts fit together: four pages whose examples compile.
//!
//! 1. [`pipeline`]: from a frame to datagrams and back.
//! 2. [`time`]: who owns the clock, and the loop that drives an engine.
//! 3. [`buffers`]: whose memory it is.
//! 4. [`errors`]: what can go wrong, and what then.

/// From a frame to datagrams and back.
///
/// Out: an encoder's frame is cut into payloads, each payload gets a header, the pacer decides when
/// it leaves, SRTP protects it. In: the same backwards, with a jitter buffer in the place of the pacer.
/// Each step is a plain call on bytes of yours. Here is the way of one Opus packet, without pacing:
///
/// ```
/// use visavis::payload::PayloadFormat;
/// use visavis::rtp::{ExtensionMap, Header, Packet};
/// use visavis::srtp::{self, MasterKey, Profile};
/// use visavis::{PayloadType, RtpTimestamp, Seq, Ssrc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let opus_packet = [0x48, 1, 2, 3];
/// let profile = Profile::AeadAes128Gcm;
/// let key = MasterKey::from_concatenated(profile, &[7; 28])?;
/// let mut sender = srtp::Sender::new(&key, srtp::Config::default())?;
/// let mut receiver = srtp::Receiver::new(&key, srtp::Config::default())?;
/// let packetizer = PayloadFormat::Opus.packetizer(1100)?;
///
/// let mut buffer = [0; 1200];
/// let mut seq = Seq(1);
/// let mut run = packetizer.packetize(&opus_packet);
/// let header_len = 12;
/// while let Some(payload) = run.next_into(&mut buffer[header_len..])? {
///     let header = Header::new(PayloadType::from_low_bits(111), seq, RtpTimestamp(0), Ssrc(7));
///     header.write_into(&ExtensionMap::default(), &mut buffer)?;
///     let len = sender.protect_rtp(&mut buffer, header_len + payload.len)?;
///     seq = seq.next();
///
///     // … over the network …
///     let len = receiver.unprotect_rtp(&mut buffer[..len])?;
///     let packet = Packet::parse(&buffer[..len])?;
///     assert_eq!(packet.payload(), opus_packet);
/// }
/// # Ok(())
/// # }
/// ```
///
/// A [`Session`](crate::session::Session) does all of that for many streams on one transport, with
/// RTCP, retransmission and congestion control. The example `by_hand` does without it.
#[cfg(all(feature = "payload", feature = "rtp", feature = "srtp", feature = "session"))]
pub mod pipeline {}

/// Who owns the clock, and the loop that drives an engine.
///
/// Nothing in visavis asks what time it is: you say so with every call. Whatever acts by itself is an
/// [`Engine`](crate::Engine): feed it what happens, call `poll` until it yields nothing, then wait
/// until `next_wakeup` or until something happens.
///
/// There are three kinds of time, and no function mixes them: [`Instant`](crate::Instant) is your
/// monotonic clock, with an epoch of your choosing; [`NtpTime`](crate::NtpTime) is wall time, which
/// only lip sync and recordings need; [`RtpTimestamp`](crate::RtpTimestamp) is one stream's media
/// clock. Because of that, a test runs an hour of a call in seconds:
///
/// ```
/// use core::time::Duration;
/// use visavis::congestion::{PacketKind, Paced, Pacer, PacerConfig};
/// use visavis::{Bitrate, DataSize, Engine, Instant};
///
/// # fn main() -> Result<(), visavis::ConfigError> {
/// let mut config = PacerConfig::default();
/// config.pacing = Bitrate::from_kbps(100);
/// let mut pacer = Pacer::new(config)?;
/// let mut now = Instant::ZERO;
/// for number in 0..10 {
///     let size = DataSize::from_bytes(1250);
///     pacer.push(now, PacketKind::Video, size, number).expect("there is room");
/// }
/// let mut sent = Vec::new();
/// loop {
///     while let Some(paced) = pacer.poll(now, &mut ()) {
///         if let Paced::Packet { packet, .. } = paced {
///             sent.push(packet);
///         }
///     }
///     let Some(wakeup) = pacer.next_wakeup() else { break };
///     now = wakeup; // Real code sleeps until then.
/// }
/// assert_eq!(sent, (0..10).collect::<Vec<_>>());
/// assert!(now.since(Instant::ZERO) > Duration::from_millis(800));
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "congestion")]
pub mod time {}

/// Whose memory it is.
///
/// Parsing borrows your bytes; writing goes into your slice and says how much, or
/// [`TooShort`](crate::TooShort) with what is needed. SRTP works in place and tells beforehand how much
/// it adds. What has to hold packets, such as a jitter buffer or a pacer, is generic over them and gives
/// each one back: played, refused or discarded. So you decide what a packet is, and nothing is
/// allocated for it:
///
/// ```
/// use visavis::jitter::{AudioConfig, AudioPacket, AudioPlayout};
/// use visavis::{ExtSeq, ExtTimestamp, Instant};
///
/// # fn main() -> Result<(), visavis::ConfigError> {
/// let mut playout = AudioPlayout::new(AudioConfig::default())?;
/// let packet = |seq| AudioPacket {
///     seq: ExtSeq(seq),
///     timestamp: ExtTimestamp(960 * seq),
///     ticks: 960,
///     has_fec: false,
///     packet: vec![1, 2, 3],
/// };
/// assert!(playout.insert(Instant::ZERO, packet(1)).is_ok());
/// // A duplicate is refused, and comes back.
/// let refused = playout.insert(Instant::ZERO, packet(1)).expect_err("it is held already");
/// assert_eq!(refused.packet, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "jitter")]
pub mod buffers {}

/// What can go wrong, and what then.
///
/// - **The peer sent garbage**: a small `Copy` error without text. Drop the packet, count it, go on; an
///   authentication failure does not say why.
/// - **You asked for what can't be**: a [`ConfigError`](crate::ConfigError) when the object is made, with
///   the field's name.
/// - **Your buffer is too short**: [`TooShort`](crate::TooShort). Nothing was changed; try again.
/// - **A codec library failed**: which operation and which code, and whether a keyframe is needed.
/// - **Loss, under-run, waiting**: no error at all but a variant of the output.
///
/// A panic is a bug of ours, never the effect of input.
///
/// ```
/// use visavis::rtp::{Packet, ParseErrorKind};
/// use visavis::srtp::{MasterKey, Profile};
///
/// let error = Packet::parse([0x80, 0x6f, 0, 1]).expect_err("it is cut off");
/// assert_eq!(error.kind, ParseErrorKind::Truncated);
///
/// let error = MasterKey::from_concatenated(Profile::AeadAes256Gcm, &[0; 10]).unwrap_err();
/// assert_eq!(error.to_string(), "key and salt together are 10 bytes long, the profile wants 44");
///
/// let error = "AES_CM_128".parse::<Profile>().unwrap_err();
/// assert!(error.to_string().contains("AEAD_AES_128_GCM"));
/// ```
#[cfg(all(feature = "rtp", feature = "srtp"))]
pub mod errors {}

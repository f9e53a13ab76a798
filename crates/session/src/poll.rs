//! What is due, in the order in which it's given out.

use core::time::Duration;

use visavis_congestion::{Paced, PacketKind, SentPacket};
use visavis_core::{DataSize, Ecn, Engine, Instant, MediaKind, earliest};
use visavis_jitter::{Action, PlayoutOutput, VideoOutput};
use visavis_rtp::{AbsSendTime, Packet};
use visavis_srtp::ProtectError;

use crate::output::{
    AudioChunk, AudioSource, Component, Event, Output, PacketOutput, PathId, Target, Transmit,
    VideoFrame,
};
use crate::receive::{Media, ReceiveStream};
use crate::send::Queued;
use crate::session::{Departing, Session};

/// How often sound and pictures are compared.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

impl Engine for Session {
    type Buffer = [u8];
    type Output = Output;

    /// `buffer` must have [`buffer_len`](Session::buffer_len) bytes; with fewer, one
    /// [`Event::BufferTooShort`] says so and nothing else comes out.
    fn poll(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Output> {
        self.now = self.now.max(now);
        if buffer.len() < self.buffer_len() {
            let needed = self.buffer_len();
            let first = !core::mem::replace(&mut self.told_short, true);
            return first.then_some(Output::Event(Event::BufferTooShort { needed }));
        }
        self.told_short = false;
        if let Some(event) = self.poll_events() {
            return Some(Output::Event(event));
        }
        if let Some((output, block)) = self.packets.pop_front() {
            copy(block.data(), buffer);
            self.pool.give(block);
            return Some(Output::Packet(output));
        }
        for index in 0..self.receivers.len() {
            if let Some(output) = self.poll_media(index, buffer) {
                return Some(output);
            }
        }
        self.sync_lips();
        if let Some(output) = self.poll_control(buffer) {
            return Some(output);
        }
        if let Some(target) = self.poll_target() {
            return Some(Output::Target(target));
        }
        self.poll_pacer(buffer)
    }

    fn next_wakeup(&self) -> Option<Instant> {
        if self.told_short {
            return None;
        }
        let waiting = !self.events.is_empty()
            || self.lost_events > 0
            || !self.packets.is_empty()
            || self.departing.is_some()
            || self.targets_from < self.senders.len();
        let mut soonest = waiting.then_some(self.now);
        for stream in &self.receivers {
            soonest = earliest(soonest, stream.next_wakeup());
        }
        if self.security.can_send() {
            let keyframe = |s: &ReceiveStream| {
                s.layers.iter().any(|layer| layer.media.is_some() && layer.keyframe_wanted)
            };
            if !self.leaving.is_empty() || self.receivers.iter().any(keyframe) {
                soonest = Some(self.now);
            }
            soonest = earliest(soonest, self.report_timer.next_wakeup());
            soonest = earliest(soonest, self.arrivals.next_wakeup());
            soonest = earliest(soonest, self.controller.next_wakeup());
            soonest = earliest(soonest, self.pacer.next_wakeup());
        }
        soonest
    }
}

/// Copies `data` to the front of `buffer`, which is long enough, and says how long it is.
fn copy(data: &[u8], buffer: &mut [u8]) -> usize {
    if let Some(space) = buffer.get_mut(..data.len()) {
        space.copy_from_slice(data);
    }
    data.len()
}

impl Session {
    fn poll_events(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let count = core::mem::take(&mut self.lost_events);
        (count > 0).then_some(Event::EventsLost { count })
    }

    fn poll_media(&mut self, index: usize, buffer: &mut [u8]) -> Option<Output> {
        let stream = self.receivers.get(index)?;
        match &stream.media {
            Media::Audio(_) => self.poll_audio(index, buffer),
            Media::Video(_) => self.poll_video(index, buffer),
            Media::None => None,
        }
    }

    fn poll_audio(&mut self, index: usize, buffer: &mut [u8]) -> Option<Output> {
        let stream = self.receivers.get_mut(index)?;
        let Media::Audio(playout) = &mut stream.media else { return None };
        let chunk = loop {
            match playout.poll(self.now, &mut ())? {
                PlayoutOutput::Play(chunk) => break chunk,
                PlayoutOutput::Discarded { packet, .. } => self.pool.give(packet),
                _ => {}
            }
        };
        let mut read = |data: &[u8]| match &mut self.transform {
            Some(transform) => transform.incoming(stream.id, data, buffer).ok(),
            None => Some(copy(data, buffer)),
        };
        let source = match chunk.action {
            Action::Decode(block) => {
                let len = read(block.data());
                self.pool.give(block);
                len.map(|len| AudioSource::Packet { len })
            }
            Action::Fec => playout
                .upcoming()
                .and_then(|block| read(block.data()))
                .map(|len| AudioSource::Redundancy { len }),
            Action::Conceal => None,
        };
        stream.playing = Some((chunk.timestamp, chunk.at));
        let timestamp = chunk.timestamp.wire();
        Some(Output::Audio(AudioChunk {
            stream: stream.id,
            at: chunk.at,
            timestamp,
            ntp: stream.ntp(timestamp),
            ticks: chunk.ticks,
            source: source.unwrap_or(AudioSource::Lost),
            stretch: chunk.stretch,
        }))
    }

    fn poll_video(&mut self, index: usize, buffer: &mut [u8]) -> Option<Output> {
        let stream = self.receivers.get_mut(index)?;
        loop {
            let Media::Video(video) = &mut stream.media else { return None };
            let frame = match video.poll(self.now, &mut ())? {
                VideoOutput::Frame(frame) => frame,
                VideoOutput::RequestKeyframe => {
                    stream.want_keyframe(0);
                    continue;
                }
                VideoOutput::Abandoned { .. } => {
                    let before = video.nothing_before();
                    if let Some(nack) = stream.layers.first_mut().and_then(|l| l.nack.as_mut()) {
                        nack.abandon_before(before);
                    }
                    continue;
                }
                VideoOutput::Discarded { packet, .. } => {
                    self.pool.give(packet);
                    continue;
                }
                _ => continue,
            };
            let format = stream.config.format;
            let payloads = video.packets(&frame).map(crate::pool::Block::data);
            let joined = if let Some(transform) = &mut self.transform {
                let joined = format.depacketize(payloads, &mut self.scratch);
                joined.ok().filter(|joined| !joined.damaged).and_then(|joined| {
                    let data = self.scratch.get(..joined.len)?;
                    transform.incoming(stream.id, data, buffer).ok()
                })
            } else {
                let joined = format.depacketize(payloads, buffer);
                joined.ok().filter(|joined| !joined.damaged).map(|joined| joined.len)
            };
            video.release(&frame, |block| self.pool.give(block));
            let Some(len) = joined else {
                video.on_decoder_error(self.now);
                return Some(Output::Event(Event::FrameUnusable { stream: stream.id }));
            };
            let gap = stream.last_packet.is_some_and(|last| last.next() != frame.first);
            stream.last_packet = Some(frame.last);
            stream.playing = Some((frame.timestamp, frame.render_at));
            let timestamp = frame.timestamp.wire();
            return Some(Output::Video(VideoFrame {
                stream: stream.id,
                len,
                timestamp,
                ntp: stream.ntp(timestamp),
                keyframe: frame.keyframe,
                gap,
                complete_at: frame.complete_at,
                render_at: frame.render_at,
            }));
        }
    }

    /// Delays whichever of sound and pictures is ahead of the other.
    fn sync_lips(&mut self) {
        if self.now.since(self.synced_at) < SYNC_INTERVAL {
            return;
        }
        self.synced_at = self.now;
        let playing = |kind| {
            let mut streams = self.receivers.iter().filter(move |s| s.config.kind == kind);
            streams.find_map(ReceiveStream::playing)
        };
        let (Some(audio), Some(video)) = (playing(MediaKind::Audio), playing(MediaKind::Video))
        else {
            return;
        };
        let Some(delays) = self.lip_sync.as_mut().and_then(|sync| sync.update(audio, video)) else {
            return;
        };
        for stream in &mut self.receivers {
            stream.set_minimum_delay(match stream.config.kind {
                MediaKind::Audio => delays.audio,
                MediaKind::Video => delays.video,
            });
        }
    }

    /// What each stream may use of the controller's latest word.
    fn poll_target(&mut self) -> Option<Target> {
        while let Some(update) = self.controller.poll(self.now, &mut ()) {
            self.pacer.set_rate(self.now, update.pacing, update.padding);
            if let Some(probe) = update.probe {
                let _ = self.pacer.start_probe(self.now, probe);
            }
            self.update = Some(update);
            self.targets_from = 0;
        }
        let update = self.update?;
        let limits = self.config.bitrate;
        let audio: visavis_core::Bitrate = self.spending.audio_payload.rate(self.now);
        let video = self.spending.video_budget(self.now, update.target);
        let media = (video + audio).clamp(limits.min, limits.max);
        self.stats.target_bps = media.bps();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let loss_percent = (update.loss.clamp(0.0, 1.0) * 100.0 + 0.5) as u8;
        let sharing =
            self.senders.iter().filter(|s| s.config.kind == MediaKind::Video && !s.paused).count();
        while let Some(stream) = self.senders.get_mut(self.targets_from) {
            self.targets_from += 1;
            let share = match stream.config.kind {
                MediaKind::Audio => stream.config.max_bitrate,
                MediaKind::Video => {
                    let share = (media - audio).bps() / sharing.max(1) as u64;
                    visavis_core::Bitrate::from_bps(share).min(stream.config.max_bitrate)
                }
            };
            // An encoder needn't hear of changes that nobody sees.
            let news = stream.told.is_none_or(|(told, loss)| {
                told.bps().abs_diff(share.bps()) * 100 > told.bps() || loss != loss_percent
            });
            if news && !stream.paused {
                stream.told = Some((share, loss_percent));
                return Some(Target { stream: stream.id, bitrate: share, loss_percent });
            }
        }
        None
    }

    fn poll_pacer(&mut self, buffer: &mut [u8]) -> Option<Output> {
        if let Some(departing) = self.departing.take()
            && let Some(output) = self.depart(departing, buffer)
        {
            return Some(output);
        }
        loop {
            let (queued, probe) = match self.pacer.poll(self.now, &mut ())? {
                Paced::Packet { packet, probe } => (packet, probe),
                Paced::Padding { size, probe } => match self.make_padding(size) {
                    Some(queued) => (queued, probe),
                    None => continue,
                },
            };
            let tap = self
                .senders
                .iter()
                .find(|s| s.id == queued.stream)
                .filter(|stream| stream.config.faces.packets && !queued.retransmission);
            if let Some(stream) = tap {
                let len = copy(queued.block.data(), buffer);
                let output = PacketOutput {
                    stream: stream.id,
                    layer: queued.layer,
                    sent: true,
                    repaired: false,
                    len,
                    at: self.now,
                    ntp: self.ntp(),
                };
                self.departing = Some((queued, probe));
                return Some(Output::Packet(output));
            }
            if let Some(output) = self.depart((queued, probe), buffer) {
                return Some(output);
            }
        }
    }

    /// A packet that fills a probe: a recent one sent again, or nothing but padding.
    fn make_padding(&mut self, size: DataSize) -> Option<Queued> {
        let stream = self.senders.iter_mut().find(|s| {
            !s.paused && s.config.kind == MediaKind::Video && s.config.rtx_payload_type.is_some()
        })?;
        let mut block = self.pool.take()?;
        #[allow(clippy::cast_possible_truncation, reason = "at most 224")]
        let len = size.bytes().clamp(1, 224) as u8;
        let payload_len = stream
            .write_latest(size, &mut block)
            .or_else(|| stream.write_padding(len, &mut block).map(|()| 0));
        let Some(payload_len) = payload_len else {
            self.pool.give(block);
            return None;
        };
        Some(Queued { stream: stream.id, layer: 0, retransmission: true, payload_len, block })
    }

    /// Numbers, times, encrypts and counts a packet as it leaves.
    fn depart(&mut self, (queued, probe): Departing, buffer: &mut [u8]) -> Option<Output> {
        let Some(stream) = self.senders.iter_mut().find(|s| s.id == queued.stream) else {
            self.pool.give(queued.block);
            return None;
        };
        let (extensions, kind) = (stream.config.extensions, stream.config.kind);
        let plain_len = copy(queued.block.data(), buffer);
        let mut numbered = None;
        if let Ok(mut packet) = Packet::parse(buffer.get_mut(..plain_len)?) {
            if let Some(id) = extensions.abs_send_time {
                packet.set_extension(id, &AbsSendTime::from_instant(self.now).to_bytes());
            }
            if let Some(id) = extensions.transport_seq {
                let seq = self.next_transport_seq;
                if packet.set_extension(id, &seq.wire().0.to_be_bytes()) {
                    self.next_transport_seq = seq.next();
                    numbered = Some(seq);
                }
            }
        }
        stream.on_departed(queued.layer, queued.retransmission, queued.payload_len);
        let displaced = match stream.layers.get_mut(queued.layer) {
            Some(layer) if !queued.retransmission && layer.rtx.is_some() => {
                layer.keep(queued.block)
            }
            _ => Some(queued.block),
        };
        if let Some(block) = displaced {
            self.pool.give(block);
        }
        let len = match self.security.protect_rtp(buffer, plain_len)? {
            Ok(len) => len,
            // A forwarded packet came twice: once is enough.
            Err(ProtectError::IndexReused) => return None,
            Err(_) => return Some(Output::Event(Event::SendKeysUnusable)),
        };
        let wire = len + self.config.datagram_overhead;
        let packet_kind = match kind {
            _ if queued.retransmission && queued.payload_len == 0 => PacketKind::Padding,
            _ if queued.retransmission => PacketKind::Retransmission,
            MediaKind::Audio => PacketKind::Audio,
            MediaKind::Video => PacketKind::Video,
        };
        match packet_kind {
            PacketKind::Audio => {
                self.spending.audio.add(self.now, wire);
                self.spending.audio_payload.add(self.now, queued.payload_len);
            }
            PacketKind::Video => self.spending.on_video(wire, queued.payload_len),
            _ if probe.is_none() => self.spending.repair.add(self.now, wire),
            _ => {}
        }
        if let Some(seq) = numbered {
            let size = DataSize::from_bytes(wire as u64);
            let sent = SentPacket { seq, size, kind: packet_kind, probe };
            self.history.on_sent(self.now, &sent);
            self.controller.on_sent(self.now, &sent);
        }
        self.stats.sent += 1;
        Some(Output::Transmit(Transmit {
            len,
            path: PathId::default(),
            component: Component::Rtp,
            ecn: Ecn::NotEct,
            segment_size: None,
        }))
    }
}

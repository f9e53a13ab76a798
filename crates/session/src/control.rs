//! What the peer's RTCP says.

use core::time::Duration;

use visavis_congestion::PacketKind;
use visavis_core::{DataSize, Ecn, Instant, MediaKind, Seq, Ssrc};
use visavis_rtp::rtcp::{Compound, ReportBlock, Rtcp, SenderInfo};
use visavis_rtp::{TransportFeedback, round_trip};

use crate::output::{Disposition, DropReason, Event};
use crate::send::Queued;
use crate::session::{DEFAULT_RTT, HISTORY, Session};

/// Retransmissions asked for by one datagram beyond this many are left: a flood can't make more.
const MAX_RESENDS: usize = 128;
/// A round trip is taken to be within these bounds, since the peer's word alone tells it: a shorter
/// one would have packets sent again too often, a longer one never.
const LEAST_RTT: Duration = Duration::from_millis(5);
const MOST_RTT: Duration = Duration::from_secs(3);

impl Session {
    pub(crate) fn on_rtcp(&mut self, at: Instant, data: &[u8]) -> Result<Disposition, DropReason> {
        let compound = if self.config.reduced_size {
            Compound::parse_reduced(data)
        } else {
            Compound::parse(data)
        };
        let compound = compound.map_err(|_| DropReason::Malformed)?;
        self.report_timer.on_received(DataSize::of(data));
        let mut resends = MAX_RESENDS;
        // A packet that can't be read doesn't hide the others.
        for packet in compound.iter().flatten() {
            match packet {
                Rtcp::SenderReport(report) => {
                    self.on_sender_info(at, &report.info);
                    report.blocks().for_each(|block| self.on_report_block(at, &block));
                }
                Rtcp::ReceiverReport(report) => {
                    report.blocks().for_each(|block| self.on_report_block(at, &block));
                }
                Rtcp::Bye(bye) => bye.ssrcs().for_each(|ssrc| self.on_bye(ssrc)),
                Rtcp::Nack(nack) => {
                    for seq in nack.seqs().take(resends) {
                        resends -= 1;
                        self.resend(nack.media, seq);
                    }
                }
                Rtcp::Pli(pli) => self.on_keyframe_request(pli.media),
                Rtcp::Fir(fir) => {
                    fir.requests().for_each(|(ssrc, _)| self.on_keyframe_request(ssrc))
                }
                Rtcp::TransportFeedback(feedback) => self.on_transport_feedback(at, &feedback),
                _ => {}
            }
        }
        Ok(Disposition::Control)
    }

    fn on_sender_info(&mut self, at: Instant, info: &SenderInfo) {
        let Some(binding) = self.bindings.find(info.ssrc) else { return };
        let Some(stream) = self.receivers.iter_mut().find(|s| s.id == binding.stream) else {
            return;
        };
        if let Some(layer) = stream.layers.get_mut(binding.layer) {
            for source in [&mut layer.media, &mut layer.rtx].into_iter().flatten() {
                if source.ssrc == info.ssrc {
                    source.stats.on_sender_report(at, info.ntp);
                }
            }
        }
        if binding.layer == 0 && binding.role == crate::Role::Media && info.ntp.0 != 0 {
            stream.wall = Some((info.ntp, info.rtp_timestamp));
            let (kind, extended) = (stream.config.kind, stream.extended(info.rtp_timestamp));
            if let Some(lip_sync) = &mut self.lip_sync {
                lip_sync.on_sender_report(kind, info.ntp, extended);
            }
        }
    }

    fn on_report_block(&mut self, at: Instant, block: &ReportBlock) {
        let now = self.ntp();
        let rtt = now.and_then(|now| round_trip(now, block));
        let mut known = false;
        let mut new_packets = 0;
        for stream in &mut self.senders {
            for layer in &mut stream.layers {
                layer.rtx_known_to_peer |= layer.rtx.is_some_and(|(ssrc, _)| ssrc == block.ssrc);
                if layer.ssrc == block.ssrc {
                    layer.known_to_peer = true;
                    known = true;
                    // RFC 3550 §6.4.1: the extended highest number counts what was expected.
                    let before = layer.reported.replace(block.highest_seq);
                    new_packets = before.map_or(0, |b| block.highest_seq.wrapping_sub(b));
                    stream.stats.lost = u64::try_from(block.cumulative_lost).unwrap_or(0);
                }
            }
        }
        if known {
            let (lost, packets) = (f64::from(block.fraction_lost) / 256.0, new_packets);
            self.controller.on_receiver_report(at, lost, packets, rtt);
        }
        if let Some(rtt) = rtt.filter(|_| known) {
            self.set_rtt(rtt);
        }
    }

    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        let rtt = rtt.clamp(LEAST_RTT, MOST_RTT);
        // Smoothed as TCP does it, RFC 6298 §2.
        let smoothed = self.rtt.map_or(rtt, |old| (old * 7 + rtt) / 8);
        self.rtt = Some(smoothed);
        self.receivers.iter_mut().for_each(|stream| stream.on_rtt(smoothed));
    }

    fn on_bye(&mut self, ssrc: Ssrc) {
        if let Some(binding) = self.bindings.find(ssrc) {
            self.push_event(Event::Left { stream: binding.stream, ssrc });
        }
    }

    fn on_keyframe_request(&mut self, ssrc: Ssrc) {
        let found = self.senders.iter().find_map(|stream| {
            let layer = stream.layers.iter().position(|layer| layer.ssrc == ssrc)?;
            (stream.config.kind == MediaKind::Video).then_some((stream.id, layer))
        });
        let Some((stream, layer)) = found else { return };
        let event = Event::KeyframeRequested { stream, layer };
        if !self.events.contains(&event) {
            self.push_event(event);
        }
        if let Some(sender) = self.senders.iter_mut().find(|s| s.id == stream) {
            sender.stats.keyframe_requests += 1;
        }
    }

    /// Answers one number of a NACK, if the packet is still there.
    fn resend(&mut self, ssrc: Ssrc, seq: Seq) {
        let (now, rtt) = (self.now, self.rtt.unwrap_or(DEFAULT_RTT));
        let Some(stream) =
            self.senders.iter_mut().find(|s| s.layers.iter().any(|layer| layer.ssrc == ssrc))
        else {
            return;
        };
        let Some(layer) = stream.layers.iter().position(|layer| layer.ssrc == ssrc) else {
            return;
        };
        stream.stats.nacks += 1;
        let Some(mut block) = self.pool.take() else { return };
        let Some(payload_len) = stream.write_again(layer, seq, &mut block, now, rtt) else {
            self.pool.give(block);
            return;
        };
        let queued = Queued { stream: stream.id, layer, retransmission: true, payload_len, block };
        if let Err(block) = self.enqueue(PacketKind::Retransmission, queued) {
            self.pool.give(block);
        }
    }

    fn on_transport_feedback(&mut self, at: Instant, feedback: &TransportFeedback<'_>) {
        self.reports.clear();
        // A few bytes can speak of 65 535 packets; no more than the history holds can be genuine.
        if usize::from(feedback.packet_count()) > HISTORY {
            return;
        }
        for (seq, arrived_at) in self.reference.arrivals(feedback) {
            if let Some(report) = self.history.resolve(seq, arrived_at, Ecn::NotEct) {
                self.reports.push(report);
            }
        }
        // The last packet of the report was the latest to arrive: what the peer held it for is
        // unknown, so this bounds the round trip from above.
        let latest = self.reports.iter().rev().find(|report| report.arrived_at.is_some());
        let rtt = latest.map(|report| at.since(report.sent_at));
        self.stats.lost = self.history.stats().lost - self.history.stats().recovered;
        self.controller.on_feedback(at, &self.reports);
        if let Some(rtt) = rtt.filter(|_| self.wall.is_none()) {
            self.set_rtt(rtt);
        }
    }
}

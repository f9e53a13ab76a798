//! The RTCP that this endpoint sends: reports when they are due, feedback when it matters.

use visavis_core::{DataSize, Engine, TooShort};
use visavis_rtp::NackBatch;
use visavis_rtp::rtcp::Writer;

use crate::output::{Component, Event, Output, PathId, Transmit};
use crate::receive::ReceiveStream;
use crate::session::Session;

/// No NACK of one layer is longer, in bytes: so much must be free before one is made.
const NACK_ROOM: usize = 12 + 4 * NackBatch::CAPACITY;

impl Session {
    /// One RTCP datagram with everything that is due and fits; `None` if nothing is due.
    pub(crate) fn poll_control(&mut self, buffer: &mut [u8]) -> Option<Output> {
        if !self.security.can_send() {
            return None;
        }
        let report_due = self.report_timer.poll(self.now, &mut ()).is_some();
        let arrivals_due = self.arrivals.poll(self.now, &mut ()).is_some();
        let feedback_due = arrivals_due || self.receivers.iter().any(|s| s.feedback_due(self.now));
        if !report_due && !feedback_due && self.leaving.is_empty() {
            return None;
        }
        let limit = self.config.max_datagram.saturating_sub(self.security.rtcp_overhead());
        let mut writer = Writer::new(buffer.get_mut(..limit)?);
        // What doesn't fit is asked for again later, so a full datagram is no error.
        if report_due || !self.config.reduced_size || !self.leaving.is_empty() {
            let _ = self.write_reports(&mut writer);
        }
        let _ = self.write_feedback(&mut writer, limit);
        if arrivals_due {
            let _ = self.write_arrivals(&mut writer);
        }
        if !self.leaving.is_empty() {
            let _ = writer.bye(&self.leaving, None);
            // With nothing before it but a report it fits; if it doesn't, the peer will time out.
            self.leaving.clear();
        }
        let len = writer.finish();
        if len == 0 {
            return None;
        }
        self.report_timer.on_sent(DataSize::from_bytes(len as u64));
        match self.security.protect_rtcp(buffer, len)? {
            Ok(len) => {
                self.stats.sent += 1;
                Some(Output::Transmit(Transmit {
                    len,
                    path: PathId::default(),
                    component: if self.config.rtcp_mux { Component::Rtp } else { Component::Rtcp },
                    ecn: visavis_core::Ecn::NotEct,
                    segment_size: None,
                }))
            }
            Err(_) => Some(Output::Event(Event::SendKeysUnusable)),
        }
    }

    /// A sender report for each layer that has sent, or a receiver report, and the canonical name.
    /// [RFC 3550 §6.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.1)
    fn write_reports(&mut self, writer: &mut Writer<'_>) -> Result<(), TooShort> {
        let (now, ntp, own) = (self.now, self.ntp(), self.own_ssrc());
        let mut blocks = self.receivers.iter_mut().flat_map(|stream| {
            stream.layers.iter_mut().flat_map(|layer| {
                [&mut layer.media, &mut layer.rtx].into_iter().flatten().filter_map(|source| {
                    let ssrc = source.ssrc;
                    (source.stats.received() > 0).then(|| source.stats.report_block(now, ssrc))
                })
            })
        });
        let mut reported = false;
        for stream in &self.senders {
            for layer in &stream.layers {
                let Some(info) = stream.sender_info(layer, now, ntp) else { continue };
                // RFC 3550 §6.4: at most 31 blocks; further ones would go into receiver reports.
                writer.sender_report(&info, blocks.by_ref().take(31))?;
                reported = true;
            }
        }
        if !reported {
            writer.receiver_report(own, blocks.take(31))?;
        }
        writer.sdes_cname(own, &self.config.cname)
    }

    fn write_feedback(&mut self, writer: &mut Writer<'_>, limit: usize) -> Result<(), TooShort> {
        let (now, own) = (self.now, self.own_ssrc());
        for stream in &mut self.receivers {
            let feedback = stream.config.feedback;
            for layer in &mut stream.layers {
                let Some(media) = layer.media.as_ref().map(|source| source.ssrc) else { continue };
                if let Some(nack) = &mut layer.nack {
                    while limit - writer.len() >= NACK_ROOM {
                        let Some(batch) = nack.poll(now, &mut ()) else { break };
                        stream.stats.nacks += batch.seqs().len() as u64;
                        writer.nack(own, media, batch)?;
                    }
                }
                if layer.keyframe_wanted {
                    if feedback.pli {
                        writer.pli(own, media)?;
                    } else if feedback.fir {
                        // RFC 5104 §4.3.1.1: a new request has a new number.
                        layer.fir_count = layer.fir_count.wrapping_add(1);
                        writer.fir(own, &[(media, layer.fir_count)])?;
                    }
                    layer.keyframe_wanted = false;
                }
            }
        }
        Ok(())
    }

    fn write_arrivals(&mut self, writer: &mut Writer<'_>) -> Result<(), TooShort> {
        let own = self.own_ssrc();
        let Some(report) = self.arrivals.report() else { return Ok(()) };
        let base = report.base().wire();
        let written = writer.transport_feedback(
            own,
            self.transport_media_ssrc,
            base,
            self.feedback_count,
            report.arrivals(),
        )?;
        self.feedback_count = self.feedback_count.wrapping_add(1);
        self.arrivals.reported(written);
        Ok(())
    }
}

impl ReceiveStream {
    fn feedback_due(&self, now: visavis_core::Instant) -> bool {
        self.layers.iter().any(|layer| {
            let nack = layer.nack.as_ref().and_then(Engine::next_wakeup);
            layer.media.is_some() && (layer.keyframe_wanted || nack.is_some_and(|due| due <= now))
        })
    }
}

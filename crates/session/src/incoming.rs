//! A datagram's way in.

use visavis_core::{DataSize, Instant, Ssrc};
use visavis_rtp::{DatagramKind, Packet, classify, rtx};
use visavis_srtp::{Receiver, UnprotectError};

use crate::bindings::Binding;
use crate::config::MAX_DATAGRAM;
use crate::output::{Datagram, Disposition, DropReason, Event, PacketOutput, Role};
use crate::receive::Source;
use crate::security::Unprotect;
use crate::session::Session;

impl Session {
    /// Takes a datagram that arrived and decrypts it in place. Whatever it holds, the worst that
    /// follows is [`Disposition::Dropped`].
    pub fn on_datagram(&mut self, now: Instant, datagram: Datagram<'_>) -> Disposition {
        self.now = self.now.max(now);
        let at = datagram.arrived_at.min(self.now);
        let disposition = match self.accept(at, datagram) {
            Ok(disposition) => disposition,
            Err(reason) => Disposition::Dropped(reason),
        };
        match disposition {
            Disposition::Dropped(reason) => {
                self.stats.dropped += 1;
                match reason {
                    DropReason::Unauthenticated => self.stats.auth_failures += 1,
                    DropReason::Replayed => self.stats.replays += 1,
                    _ => {}
                }
            }
            Disposition::Media | Disposition::Control => self.stats.received += 1,
            Disposition::NotRtp => {}
        }
        disposition
    }

    fn accept(&mut self, at: Instant, datagram: Datagram<'_>) -> Result<Disposition, DropReason> {
        let data = datagram.data;
        match classify(data) {
            DatagramKind::Rtp => {
                let wire = data.len() + self.config.datagram_overhead;
                let packet = self.decrypt(at, data, Receiver::unprotect_rtp)?;
                self.on_rtp(at, packet, DataSize::from_bytes(wire as u64))
            }
            DatagramKind::Rtcp => {
                let packet = self.decrypt(at, data, Receiver::unprotect_rtcp)?;
                self.on_rtcp(at, packet)
            }
            _ => Ok(Disposition::NotRtp),
        }
    }

    fn decrypt<'a>(
        &mut self,
        at: Instant,
        data: &'a mut [u8],
        unprotect: Unprotect,
    ) -> Result<&'a mut [u8], DropReason> {
        if data.len() > MAX_DATAGRAM {
            return Err(DropReason::TooLong);
        }
        let result = self.security.unprotect(at, data, unprotect).ok_or(DropReason::NoKeys)?;
        let len = result.map_err(|error| match error {
            UnprotectError::Replayed => DropReason::Replayed,
            UnprotectError::Unauthenticated => DropReason::Unauthenticated,
            UnprotectError::TooManyStreams => DropReason::Full,
            _ => DropReason::Malformed,
        })?;
        data.get_mut(..len).ok_or(DropReason::Malformed)
    }

    /// From here on the packet is known to be the peer's own.
    fn on_rtp(
        &mut self,
        at: Instant,
        data: &mut [u8],
        wire: DataSize,
    ) -> Result<Disposition, DropReason> {
        let packet = Packet::parse(data).map_err(|_| DropReason::Malformed)?;
        let binding = self.find_binding(&packet);
        self.note_arrival(at, binding, &packet, wire);
        let binding = binding.ok_or(DropReason::UnknownSsrc)?;
        let Some(stream) = self.receivers.iter_mut().find(|s| s.id == binding.stream) else {
            return Err(DropReason::UnknownSsrc);
        };
        if stream.paused {
            // It is counted all the same: what is dropped on purpose wasn't lost by the network.
            if let Some(layer) = stream.layers.get_mut(binding.layer) {
                for source in [&mut layer.media, &mut layer.rtx].into_iter().flatten() {
                    if source.ssrc == packet.ssrc() {
                        source.on_packet(at, &packet);
                    }
                }
            }
            return Err(DropReason::Paused);
        }
        let repaired = match binding.role {
            Role::Media => false,
            Role::Fec => return Ok(Disposition::Media),
            Role::Retransmission => {
                let (ssrc, payload_type) = (packet.ssrc(), stream.config.payload_type);
                let layer = stream.layers.get_mut(binding.layer).ok_or(DropReason::UnknownSsrc)?;
                let clock_rate = stream.config.clock_rate;
                let source = layer.rtx.get_or_insert_with(|| Source::new(ssrc, clock_rate));
                source.on_packet(at, &packet);
                let Some(media) = layer.media.as_ref().map(|source| source.ssrc) else {
                    return Ok(Disposition::Media);
                };
                let data = packet.into_inner();
                let Ok(original) = rtx::restore(data, media, payload_type) else {
                    // Nothing but padding: it was sent to probe the network.
                    return Ok(Disposition::Media);
                };
                return self.on_media(at, binding, &original, true);
            }
        };
        self.on_media(at, binding, &packet, repaired)
    }

    fn on_media<T: AsRef<[u8]>>(
        &mut self,
        at: Instant,
        binding: Binding,
        packet: &Packet<T>,
        repaired: bool,
    ) -> Result<Disposition, DropReason> {
        let Some(stream) = self.receivers.iter_mut().find(|s| s.id == binding.stream) else {
            return Err(DropReason::UnknownSsrc);
        };
        let Some(seq) = stream.on_media(at, binding.layer, packet, repaired) else {
            return Ok(Disposition::Media);
        };
        if stream.config.faces.packets && self.packets.len() < self.packets.capacity() {
            let mut block = self.pool.take().ok_or(DropReason::Full)?;
            block.fill(packet.as_bytes());
            let output = PacketOutput {
                stream: binding.stream,
                layer: binding.layer,
                sent: false,
                repaired,
                len: packet.as_bytes().len(),
                at,
                ntp: stream.ntp(packet.timestamp()),
            };
            self.packets.push_back((output, block));
        }
        if binding.layer == 0 {
            stream.insert(at, seq, packet, &mut self.pool)?;
        }
        Ok(Disposition::Media)
    }

    /// Where the packet belongs: by its SSRC, or by its MID if the SSRC is new.
    fn find_binding<T: AsRef<[u8]>>(&mut self, packet: &Packet<T>) -> Option<Binding> {
        let ssrc = packet.ssrc();
        if let Some(binding) = self.bindings.find(ssrc) {
            return Some(binding);
        }
        let bound = self.receivers.iter().find_map(|stream| {
            // RFC 8843 §9.2: the MID and the payload type say which stream and what it carries.
            if stream.config.extensions.read(packet).mid != Some(stream.config.mid) {
                return None;
            }
            let role = stream.role_of(packet.payload_type())?;
            let free = |layer: &crate::receive::ReceiveLayer| match role {
                Role::Media => layer.media.is_none(),
                _ => layer.rtx.is_none(),
            };
            let layer = stream.layers.iter().position(free)?;
            Some(Binding { stream: stream.id, layer, role })
        });
        match bound {
            Some(binding) => {
                self.bind(binding.stream, binding.layer, ssrc, binding.role).ok()?;
                self.push_event(Event::Bound { stream: binding.stream, ssrc });
            }
            None if self.bindings.is_news(ssrc) => {
                let payload_type = packet.payload_type();
                self.push_event(Event::UnknownSsrc { ssrc, payload_type });
            }
            None => {}
        }
        bound
    }

    /// Notes a packet for transport-wide feedback, whatever stream it belongs to.
    fn note_arrival<T: AsRef<[u8]>>(
        &mut self,
        at: Instant,
        binding: Option<Binding>,
        packet: &Packet<T>,
        wire: DataSize,
    ) {
        let stream = match binding {
            Some(binding) => self.receivers.iter().find(|s| s.id == binding.stream),
            None => self.receivers.iter().find(|s| s.config.feedback.transport_wide),
        };
        let Some(stream) = stream.filter(|s| s.config.feedback.transport_wide) else { return };
        if let Some(seq) = stream.config.extensions.read(packet).transport_seq {
            self.arrivals.on_packet(at, seq, wire);
            self.transport_media_ssrc = packet.ssrc();
        }
    }

    /// The SSRC that stands for this endpoint in feedback.
    pub(crate) fn own_ssrc(&self) -> Ssrc {
        let sending = self.senders.iter().find_map(|stream| stream.layers.first());
        sending.map_or(self.local_ssrc, |layer| layer.ssrc)
    }
}

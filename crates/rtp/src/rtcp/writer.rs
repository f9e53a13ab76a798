//! Writing compound packets.

use core::iter::Peekable;
use visavis_core::{Instant, Seq, Ssrc, TooShort};

use crate::rtcp::{ReportBlock, SdesItem, SenderInfo, format, packet_type as pt};
use crate::transport::TransportFeedbackPlan;
use crate::wire::put_at;

/// The most that the five-bit count of a packet can say.
const MOST: u8 = 31;

/// Puts RTCP packets behind each other into the caller's buffer.
///
/// Each method writes all or nothing: when it fails, what was written before is intact and can be
/// finished and sent. The `needed` of its error is the least that is sure to be missing; a list may
/// need more.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Whole packets.
    len: usize,
    /// Where the packet at work stands; beyond `len` only within a method.
    at: usize,
}

impl<'b> Writer<'b> {
    /// Before the first packet.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0, at: 0 }
    }

    /// How many bytes are written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Ends the compound packet and says how long it is.
    #[must_use]
    pub const fn finish(self) -> usize {
        self.len
    }

    /// What a sender has sent, and how it receives others. Blocks beyond 31 go into receiver reports
    /// behind it. [RFC 3550 §6.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.1)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn sender_report(
        &mut self,
        info: &SenderInfo,
        blocks: impl IntoIterator<Item = ReportBlock>,
    ) -> Result<(), TooShort> {
        let mut blocks = blocks.into_iter().peekable();
        let start = self.begin()?;
        self.put(&info.to_bytes())?;
        self.blocks(start, pt::SR, &mut blocks)?;
        self.further_reports(info.ssrc, blocks)
    }

    /// How one who sends nothing receives others; several packets if there are more than 31 blocks.
    /// [RFC 3550 §6.4.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.2)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn receiver_report(
        &mut self,
        ssrc: Ssrc,
        blocks: impl IntoIterator<Item = ReportBlock>,
    ) -> Result<(), TooShort> {
        let mut blocks = blocks.into_iter().peekable();
        let start = self.begin()?;
        self.put(&ssrc.0.to_be_bytes())?;
        self.blocks(start, pt::RR, &mut blocks)?;
        self.further_reports(ssrc, blocks)
    }

    /// The canonical name of a source, cut to 255 bytes.
    /// [RFC 3550 §6.5.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.5.1)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn sdes_cname(&mut self, ssrc: Ssrc, name: &str) -> Result<(), TooShort> {
        let (name, len) = at_most_255(name);
        let start = self.begin()?;
        self.put(&ssrc.0.to_be_bytes())?;
        self.put(&[SdesItem::CNAME, len])?;
        self.put(name)?;
        // At least one zero ends the chunk.
        self.put(&[0])?;
        self.fill_word()?;
        self.end(start, 1, pt::SDES);
        self.commit()
    }

    /// Sources that leave, and perhaps why, cut to 255 bytes; several packets if there are more than
    /// 31 sources, nothing if there are none.
    /// [RFC 3550 §6.6](https://www.rfc-editor.org/rfc/rfc3550#section-6.6)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn bye(&mut self, ssrcs: &[Ssrc], reason: Option<&str>) -> Result<(), TooShort> {
        self.at = self.len;
        for ssrcs in ssrcs.chunks(usize::from(MOST)) {
            let (start, mut count) = (self.open()?, 0);
            for ssrc in ssrcs {
                self.put(&ssrc.0.to_be_bytes())?;
                count += 1;
            }
            if let Some((reason, len)) = reason.map(at_most_255) {
                self.put(&[len])?;
                self.put(reason)?;
                self.fill_word()?;
            }
            self.end(start, count, pt::BYE);
        }
        self.commit()
    }

    /// Packets of `media` that are missing, best in ascending order: up to 17 share four bytes.
    /// Nothing is written if there are none.
    /// [RFC 4585 §6.2.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.2.1)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn nack(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        seqs: impl IntoIterator<Item = Seq>,
    ) -> Result<(), TooShort> {
        let mut seqs = seqs.into_iter().peekable();
        if seqs.peek().is_none() {
            return Ok(());
        }
        let start = self.begin_feedback(sender, media)?;
        while let Some(first) = seqs.next() {
            let mut mask = 0_u16;
            while let Some(seq) = seqs.next_if(|seq| matches!(seq.since(first), 0..=16)) {
                // The first itself needs no bit, nor does it when it comes twice.
                if let following @ 1.. = seq.since(first) {
                    mask |= 1 << (following - 1);
                }
            }
            self.put(&first.0.to_be_bytes())?;
            self.put(&mask.to_be_bytes())?;
        }
        self.end(start, format::NACK, pt::RTPFB);
        self.commit()
    }

    /// A picture of `media` can't be decoded.
    /// [RFC 4585 §6.3.1](https://www.rfc-editor.org/rfc/rfc4585#section-6.3.1)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn pli(&mut self, sender: Ssrc, media: Ssrc) -> Result<(), TooShort> {
        let start = self.begin_feedback(sender, media)?;
        self.end(start, format::PLI, pt::PSFB);
        self.commit()
    }

    /// Asks streams for pictures that need no other; a request that is repeated keeps its number.
    /// [RFC 5104 §4.3.1](https://www.rfc-editor.org/rfc/rfc5104#section-4.3.1)
    ///
    /// # Errors
    /// [`TooShort`]
    pub fn fir(&mut self, sender: Ssrc, requests: &[(Ssrc, u8)]) -> Result<(), TooShort> {
        // RFC 5104 §4.3.1.2: the media source is 0, the requests name theirs.
        let start = self.begin_feedback(sender, Ssrc(0))?;
        for (ssrc, number) in requests {
            self.put(&ssrc.0.to_be_bytes())?;
            self.put(&[*number, 0, 0, 0])?;
        }
        self.end(start, format::FIR, pt::PSFB);
        self.commit()
    }

    /// When the packets from the transport-wide number `base` on arrived, `None` for those that
    /// didn't, and how many of them the packet says. It says fewer than there are when the buffer is
    /// full, or two arrivals are more than 8 s apart: go on from there with a new packet.
    ///
    /// `count` numbers the feedback packets. Where nothing at all arrived there is no time to refer
    /// to: nothing is written, and all are taken as said.
    ///
    /// [draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1](https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01#section-3.1)
    ///
    /// # Errors
    /// [`TooShort`] if not even one arrival fits.
    pub fn transport_feedback(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        base: Seq,
        count: u8,
        arrivals: impl Iterator<Item = Option<Instant>> + Clone,
    ) -> Result<usize, TooShort> {
        let room = self.buffer.len() - self.len;
        let plan = TransportFeedbackPlan::new(room, arrivals.clone());
        let Some(reference) = plan.reference() else {
            return match plan.len() {
                0 if arrivals.clone().next().is_some() => {
                    Err(TooShort { needed: self.len + TransportFeedbackPlan::LEAST })
                }
                said => Ok(said),
            };
        };
        let start = self.begin_feedback(sender, media)?;
        let [_, r0, r1, r2] = reference.to_be_bytes();
        self.put(&base.0.to_be_bytes())?;
        self.put(&plan.wire_len().to_be_bytes())?;
        self.put(&[r0, r1, r2, count])?;
        plan.write(arrivals, |bytes| self.put(bytes))?;
        self.fill_word()?;
        self.end(start, format::TRANSPORT, pt::RTPFB);
        self.commit()?;
        Ok(plan.len())
    }

    /// Starts the first packet of a method.
    fn begin(&mut self) -> Result<usize, TooShort> {
        self.at = self.len;
        self.open()
    }

    fn begin_feedback(&mut self, sender: Ssrc, media: Ssrc) -> Result<usize, TooShort> {
        let start = self.begin()?;
        self.put(&sender.0.to_be_bytes())?;
        self.put(&media.0.to_be_bytes())?;
        Ok(start)
    }

    /// Leaves room for a packet's first word and says where that is.
    fn open(&mut self) -> Result<usize, TooShort> {
        let start = self.at;
        self.put(&[0; 4])?;
        Ok(start)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), TooShort> {
        if !put_at(self.buffer, self.at, bytes) {
            return Err(TooShort { needed: self.at.saturating_add(bytes.len()) });
        }
        self.at += bytes.len();
        Ok(())
    }

    fn fill_word(&mut self) -> Result<(), TooShort> {
        let missing = self.at.next_multiple_of(4) - self.at;
        self.put([0; 3].get(..missing).unwrap_or_default())
    }

    /// Fills the first word in.
    #[allow(clippy::cast_possible_truncation, reason = "no method writes 256 KB in one packet")]
    fn end(&mut self, start: usize, count: u8, packet_type: u8) {
        let [l0, l1] = (((self.at - start) / 4 - 1) as u16).to_be_bytes();
        put_at(self.buffer, start, &[0x80 | count, packet_type, l0, l1]);
    }

    #[allow(clippy::unnecessary_wraps, reason = "every method ends with it")]
    const fn commit(&mut self) -> Result<(), TooShort> {
        self.len = self.at;
        Ok(())
    }

    /// Up to 31 blocks, and the first word of their packet.
    fn blocks(
        &mut self,
        start: usize,
        packet_type: u8,
        blocks: &mut impl Iterator<Item = ReportBlock>,
    ) -> Result<(), TooShort> {
        let mut count = 0;
        for block in blocks.take(usize::from(MOST)) {
            self.put(&block.to_bytes())?;
            count += 1;
        }
        self.end(start, count, packet_type);
        Ok(())
    }

    fn further_reports(
        &mut self,
        ssrc: Ssrc,
        mut blocks: Peekable<impl Iterator<Item = ReportBlock>>,
    ) -> Result<(), TooShort> {
        while blocks.peek().is_some() {
            let start = self.open()?;
            self.put(&ssrc.0.to_be_bytes())?;
            self.blocks(start, pt::RR, &mut blocks)?;
        }
        self.commit()
    }
}

/// As much of `text` as a length byte can say, cut between two characters.
fn at_most_255(text: &str) -> (&[u8], u8) {
    let text = text.as_bytes().get(..text.floor_char_boundary(255)).unwrap_or_default();
    (text, u8::try_from(text.len()).unwrap_or(u8::MAX))
}

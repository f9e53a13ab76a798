//! In steady state a packet costs no allocation on its way through a session, out and in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::time::Duration;

use visavis_core::{Engine, Instant, RtpTimestamp};
use visavis_session::{Datagram, OutgoingFrame, Output, Session, StreamId};

/// Two sessions that talk through a ring of buffers which allocates nothing itself.
struct Loop {
    a: Session,
    b: Session,
    sound: StreamId,
    pictures: StreamId,
    buffer: Vec<u8>,
    wire: Vec<(usize, [u8; 1500])>,
    frame: Vec<u8>,
    number: u32,
    now: Instant,
    packets: u64,
    pictures_shown: u64,
    /// Every such packet is lost; 0 loses none.
    lose_each: u64,
}

impl Loop {
    fn new(lose_each: u64) -> Self {
        let (mut a, mut b) = (common::session(1), common::session(2));
        a.set_keys(&common::keys(1, 2)).unwrap();
        b.set_keys(&common::keys(2, 1)).unwrap();
        let sound = a.add_sender(common::audio()).unwrap();
        let pictures = a.add_sender(common::video()).unwrap();
        b.add_receiver(common::audio()).unwrap();
        b.add_receiver(common::video()).unwrap();
        Self {
            buffer: vec![0; a.buffer_len()],
            a,
            b,
            sound,
            pictures,
            wire: Vec::with_capacity(4096),
            frame: Vec::with_capacity(100_000),
            number: 0,
            now: Instant::ZERO,
            packets: 0,
            pictures_shown: 0,
            lose_each,
        }
    }

    /// One millisecond; frames every 20 ms.
    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        if self.now.as_nanos().is_multiple_of(20_000_000) {
            self.number += 1;
            common::sound(self.number, &mut self.frame);
            let timestamp = RtpTimestamp(self.number * 960);
            let frame = OutgoingFrame::new(&self.frame, timestamp, self.now);
            self.a.send_frame(self.now, self.sound, &frame).unwrap();
            common::picture(self.number, self.number % 100 == 1, 4000, &mut self.frame);
            let timestamp = RtpTimestamp(self.number * 1800);
            let frame = OutgoingFrame::new(&self.frame, timestamp, self.now);
            self.a.send_frame(self.now, self.pictures, &frame).unwrap();
        }
        self.exchange(true);
        self.exchange(false);
    }

    fn exchange(&mut self, forth: bool) {
        let (from, to) =
            if forth { (&mut self.a, &mut self.b) } else { (&mut self.b, &mut self.a) };
        self.wire.clear();
        while let Some(output) = from.poll(self.now, &mut self.buffer) {
            match output {
                Output::Transmit(transmit) => {
                    self.packets += 1;
                    if self.lose_each > 0 && self.packets.is_multiple_of(self.lose_each) {
                        continue;
                    }
                    let mut datagram = [0; 1500];
                    datagram[..transmit.len].copy_from_slice(&self.buffer[..transmit.len]);
                    self.wire.push((transmit.len, datagram));
                }
                Output::Video(_) => self.pictures_shown += 1,
                _ => {}
            }
        }
        for (len, datagram) in &mut self.wire {
            to.on_datagram(self.now, Datagram::new(self.now, &mut datagram[..*len]));
        }
    }
}

fn count(lose_each: u64) -> (u64, u64, u64) {
    let mut pair = Loop::new(lose_each);
    (0..10_000).for_each(|_| pair.step());
    let (packets, shown) = (pair.packets, pair.pictures_shown);
    let measured = allocation_counter::measure(|| (0..20_000).for_each(|_| pair.step()));
    (measured.count_total, pair.packets - packets, pair.pictures_shown - shown)
}

#[test]
fn no_packet_costs_an_allocation() {
    let (allocations, packets, shown) = count(0);
    assert!(packets > 5000 && shown > 990, "{packets} packets, {shown} pictures");
    assert_eq!(allocations, 0, "in {packets} packets");
}

#[test]
fn nor_do_loss_and_repair() {
    let (allocations, packets, shown) = count(50);
    assert!(packets > 5000 && shown > 900, "{packets} packets, {shown} pictures");
    assert_eq!(allocations, 0, "in {packets} packets");
}

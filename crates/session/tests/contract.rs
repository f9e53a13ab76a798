//! A session is an engine like any other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a test's failure")]

mod common;

use core::cell::RefCell;

use visavis_core::RtpTimestamp;
use visavis_session::{Datagram, OutgoingFrame, Session};
use visavis_sim::contract;

thread_local! {
    static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn it_keeps_the_contract() {
    let make = || {
        let mut config = visavis_session::SessionConfig::default();
        config.max_frame = 2048;
        config.max_packets = 1024;
        let mut session = Session::new(visavis_core::Instant::ZERO, config).unwrap();
        // What it sends it could receive: both directions are exercised by one session.
        session.set_keys(&common::keys(1, 1)).unwrap();
        let streams = (
            session.add_sender(common::audio()).unwrap(),
            session.add_sender(common::video()).unwrap(),
        );
        session.add_receiver(common::audio()).unwrap();
        session.add_receiver(common::video()).unwrap();
        Echo { session, streams, number: 0 }
    };
    contract::check(20, make, |echo, rng, now| {
        let number = echo.number;
        echo.number += 1;
        FRAME.with_borrow_mut(|bytes| match rng.below(8) {
            0..3 => {
                common::sound(number, bytes);
                let frame = OutgoingFrame::new(bytes, RtpTimestamp(number * 960), now);
                let _ = echo.session.send_frame(now, echo.streams.0, &frame);
            }
            3..6 => {
                common::picture(number, rng.chance(0.1), 1000, bytes);
                let frame = OutgoingFrame::new(bytes, RtpTimestamp(number * 3000), now);
                let _ = echo.session.send_frame(now, echo.streams.1, &frame);
            }
            6 => {
                bytes.clear();
                bytes.extend((0..100).map(|_| u8::try_from(rng.below(256)).unwrap()));
                echo.session.on_datagram(now, Datagram::new(now, bytes));
            }
            _ => echo.session.request_keyframe(now, echo.streams.1, 0),
        });
    });
}

/// A session that hears itself.
struct Echo {
    session: Session,
    streams: (visavis_session::StreamId, visavis_session::StreamId),
    number: u32,
}

impl visavis_core::Engine for Echo {
    type Buffer = [u8];
    type Output = visavis_session::Output;

    fn poll(
        &mut self,
        now: visavis_core::Instant,
        buffer: &mut [u8],
    ) -> Option<visavis_session::Output> {
        let output = self.session.poll(now, buffer)?;
        if let visavis_session::Output::Transmit(transmit) = output {
            let mut copy = buffer[..transmit.len].to_vec();
            self.session.on_datagram(now, Datagram::new(now, &mut copy));
        }
        Some(output)
    }

    fn next_wakeup(&self) -> Option<visavis_core::Instant> {
        self.session.next_wakeup()
    }
}

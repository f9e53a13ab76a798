//! `scorecard NAME [--json]`: one card, a row for each figure.

use anyhow::Result;
use clap::{Parser, ValueEnum};
use visavis_benches::{Scorecard, call, rtp, srtp};

/// Measures visavis beside its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which card.
    name: Card,
    /// One JSON object for each row instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Card {
    /// Reading and writing RTP and RTCP.
    Rtp,
    /// Protecting and unprotecting packets.
    Srtp,
    /// Whole calls in virtual time, on several networks.
    Call,
}

fn main() -> Result<()> {
    let Arguments { name, json } = Arguments::parse();
    let (card, run): (_, fn(&mut Scorecard) -> Result<()>) = match name {
        Card::Rtp => ("rtp", rtp::run),
        Card::Srtp => ("srtp", srtp::run),
        Card::Call => ("call", call::run),
    };
    let mut scorecard = Scorecard::new(card, json);
    run(&mut scorecard)?;
    let (rows, met) = scorecard.result();
    eprintln!("{met} of {rows} goals met");
    Ok(())
}

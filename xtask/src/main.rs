//! What a developer of visavis types: `cargo xtask COMMAND`. It launches; it depends on nothing of visavis.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a program of the terminal, which has std"
)]

mod check;
mod clippy;
mod interop;
mod launch;
mod metadata;
mod native;
mod process;
mod setup;
mod system;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "What a developer of visavis types")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Brings what is missing to build visavis; afterwards everything works with the network cut
    Setup,
    /// Setup, then a call between two endpoints over a bad network, and its report
    #[command(disable_help_flag = true)]
    Demo {
        /// Arguments of the example `call` instead of ours; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Setup, then all tests of the workspace
    #[command(disable_help_flag = true)]
    Test {
        /// Further arguments of `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Prints a table of measured figures beside their goals and the peers'
    Scorecard {
        /// Which one: rtp, srtp, call ...
        name: String,
        /// One object per line
        #[arg(long)]
        json: bool,
    },
    /// cargo-fuzz, on stable Rust too; `cargo fuzz` comes here
    #[command(disable_help_flag = true)]
    Fuzz {
        /// Arguments of cargo-fuzz
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// SRTP to and from programs that someone else wrote, which it brings
    Interop {
        /// Only with this one
        peer: Option<interop::Peer>,
    },
    /// Checks the rules of the house that no lint can say
    Check,
    /// Clippy without warnings over the feature matrix
    Clippy,
}

fn main() -> ExitCode {
    match dispatch(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(error.downcast_ref().map_or(1, process::Failed::code))
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Setup => setup::run_all(),
        Command::Demo { arguments } => launch::demo(&arguments),
        Command::Test { arguments } => launch::test(&arguments),
        Command::Scorecard { name, json } => launch::scorecard(&name, json),
        Command::Fuzz { arguments } => launch::fuzz(&arguments),
        Command::Interop { peer } => interop::run_all(peer),
        Command::Check => check::run_all(),
        Command::Clippy => clippy::run_all(),
    }
}

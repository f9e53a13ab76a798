//! `cargo xtask clippy`: clippy without warnings over the feature matrix.

use anyhow::Result;

use crate::metadata::packages;
use crate::process::{cargo, run, shown};

/// Features that stand outside the union: what excludes another feature or needs a tool that `setup`
/// doesn't bring.
const EXOTIC: [&str; 2] = ["fips", "libloading"];

/// Not blindly `--all-features`: the defaults of everything, the union of what builds together, then each
/// library alone, so that none leans on a feature that only a neighbour switches on.
pub(crate) fn run_all() -> Result<()> {
    let mut runs: Vec<Vec<String>> = vec![words("--workspace --all-targets")];
    let packages = packages()?;
    let union: Vec<_> = packages
        .iter()
        .flat_map(|package| package.features.iter().map(|f| format!("{}/{f}", package.name)))
        .filter(|feature| !EXOTIC.iter().any(|exotic| feature.ends_with(&format!("/{exotic}"))))
        .collect();
    if !union.is_empty() {
        runs.push(words(&format!("--workspace --all-targets --features {}", union.join(","))));
    }
    for package in packages.iter().filter(|package| package.is_library()) {
        let alone = format!("--lib --package {}", package.name);
        runs.push(words(&alone));
        if package.features.is_empty() {
            continue;
        }
        runs.push(words(&format!("{alone} --no-default-features")));
        for feature in &package.features {
            if !EXOTIC.contains(&feature.as_str()) {
                runs.push(words(&format!("{alone} --no-default-features --features {feature}")));
            }
        }
    }
    for arguments in &runs {
        let mut clippy = cargo();
        clippy.args(["clippy", "--locked", "--quiet"]).args(arguments).args(["--", "-Dwarnings"]);
        eprintln!("{}", shown(&clippy));
        run(&mut clippy)?;
    }
    Ok(())
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

//! What cargo says about our packages.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{ask, cargo};

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its features without `default`.
    pub(crate) features: Vec<String>,
    /// The packages of ours that it needs to build, without those for its tests alone.
    pub(crate) uses: Vec<String>,
    pub(crate) manifest: String,
}

impl Package {
    /// The name without `visavis-`, which is also the name of its folder.
    pub(crate) fn short(&self) -> &str {
        self.name.strip_prefix("visavis-").unwrap_or(&self.name)
    }

    /// Whether an embedder may depend on it: not the examples, benches or xtask.
    pub(crate) fn is_library(&self) -> bool {
        self.manifest.contains("/crates/")
    }
}

/// The packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let json = ask(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"]))
        .context("`cargo metadata --locked` fails: is Cargo.lock up to date?")?;
    let json: Value = serde_json::from_str(&json).context("`cargo metadata` gave no JSON")?;
    let packages = json.get("packages").and_then(Value::as_array).context("no packages")?;
    packages.iter().map(|package| read(package).context("an odd package")).collect()
}

fn read(package: &Value) -> Option<Package> {
    let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let features = package.get("features")?.as_object()?.keys();
    let dependencies = package.get("dependencies")?.as_array()?.iter();
    let normal = dependencies.filter(|dependency| dependency.get("kind") == Some(&Value::Null));
    let names = normal.filter_map(|dependency| dependency.get("name")?.as_str());
    Some(Package {
        name: text("name")?,
        features: features.filter(|name| *name != "default").cloned().collect(),
        uses: names.filter(|name| name.starts_with("visavis")).map(str::to_owned).collect(),
        manifest: text("manifest_path")?,
    })
}

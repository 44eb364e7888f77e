//! Not written yet.
use super::Options;
use std::net::TcpListener;
/// Serves.
pub fn run(_listener: TcpListener, _options: &Options) -> anyhow::Result<()> {
    anyhow::bail!("not written yet")
}

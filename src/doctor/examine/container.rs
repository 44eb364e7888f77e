//! The container around this process, by the traces that container managers leave.
//!
//! Nothing depends on the answer but the words of what to try.

use std::{env, fs, path::Path};

/// The container's kind, or `None` where no trace of one is found.
pub fn examine() -> Option<String> {
    if env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Some("kubernetes".to_owned());
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".to_owned());
    }
    if Path::new("/.dockerenv").exists() {
        return Some("docker".to_owned());
    }
    // systemd-nspawn, LXC and others that start an init: systemd's container interface.
    let named = fs::read_to_string("/run/systemd/container").ok().or_else(|| env::var("container").ok());
    if let Some(name) = named.as_deref().map(str::trim).filter(|name| is_plain(name)) {
        return Some(name.to_owned());
    }
    of_cgroup(&fs::read_to_string("/proc/1/cgroup").unwrap_or_default())
}

/// The manager that a cgroup's path names, where there is no namespace to hide it.
fn of_cgroup(cgroup: &str) -> Option<String> {
    [("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc")]
        .into_iter()
        .find(|(path, _)| cgroup.lines().any(|line| line.contains(&format!("/{path}"))))
        .map(|(_, name)| name.to_owned())
}

/// Whether a name from the environment is fit to be printed.
fn is_plain(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::{is_plain, of_cgroup};

    #[test]
    fn managers_are_known_by_their_cgroups() {
        assert_eq!(of_cgroup("0::/kubepods/burstable/pod1\n"), Some("kubernetes".to_owned()));
        assert_eq!(of_cgroup("2:cpu:/docker/0123\n1:name=systemd:/docker/0123\n"), Some("docker".to_owned()));
        assert_eq!(of_cgroup("0::/init.scope\n"), None);
    }

    #[test]
    fn a_hostile_name_is_not_printed() {
        assert!(is_plain("systemd-nspawn"));
        assert!(!is_plain("\x1b[2J"));
        assert!(!is_plain(""));
    }
}

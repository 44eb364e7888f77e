//! The CPU quota of the cgroups above this process, version 1 and 2, cgroups(7).

use std::fs;

/// The tightest quota, in thousandths of a processor.
pub fn quota_millicpus() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    tightest(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?, &read)
}

/// One line of `/proc/self/mountinfo` that mounts a cgroup hierarchy which may hold a quota.
struct Mount<'a> {
    version: Version,
    root: &'a str,
    point: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Walks from our cgroup up to the root of each hierarchy.
fn tightest(cgroup: &str, mountinfo: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let mounts = mountinfo.lines().filter_map(mount);
    mounts
        .filter_map(|mount| {
            let path = our_path(cgroup, mount.version)?;
            // In a container without a cgroup namespace, the path is the host's and the mount begins at it.
            let below = path.strip_prefix(mount.root.trim_end_matches('/')).unwrap_or("");
            let directories = std::iter::successors(Some(below.trim_end_matches('/')), |below| {
                below.rfind('/').map(|slash| &below[..slash])
            });
            directories.filter_map(|below| quota(mount.version, mount.point, below, read)).min()
        })
        .min()
}

/// The quota of one directory.
fn quota(version: Version, point: &str, below: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let file = |name: &str| read(&format!("{point}{below}/{name}"));
    let (quota, period) = match version {
        Version::Two => {
            let text = file("cpu.max")?;
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?)
        }
        Version::One => {
            let quota = file("cpu.cfs_quota_us")?.trim().parse().ok()?;
            (quota, file("cpu.cfs_period_us")?.trim().parse().ok()?)
        }
    };
    quota.checked_mul(1000)?.checked_div(period)
}

/// Our cgroup's path in the hierarchy with the controller `cpu`, or in that of version 2.
fn our_path(cgroup: &str, version: Version) -> Option<&str> {
    cgroup.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let ours = match version {
            Version::One => controllers.split(',').any(|controller| controller == "cpu"),
            Version::Two => controllers.is_empty(),
        };
        ours.then_some(path)
    })
}

/// Reads a line of mountinfo: `31 23 0:28 ROOT POINT OPTIONS … - TYPE SOURCE SUPER_OPTIONS`.
fn mount(line: &str) -> Option<Mount<'_>> {
    let (ours, file_system) = line.split_once(" - ")?;
    let mut ours = ours.split(' ').skip(3);
    let (root, point) = (ours.next()?, ours.next()?);
    let mut file_system = file_system.split(' ');
    let version = match (file_system.next()?, file_system.nth(1)) {
        ("cgroup2", _) => Version::Two,
        ("cgroup", Some(options)) if options.split(',').any(|option| option == "cpu") => Version::One,
        _ => return None,
    };
    Some(Mount { version, root, point })
}

#[cfg(test)]
mod tests {
    use super::tightest;

    /// The quota on a machine with these files.
    fn quota(cgroup: &str, mountinfo: &str, files: &[(&str, &str)]) -> Option<u64> {
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path)?;
            Some(found.1.to_owned())
        };
        tightest(cgroup, mountinfo, &read)
    }

    const TWO: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn version_2_takes_the_tightest_on_the_way_up() {
        let files = [
            ("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n"),
        ];
        assert_eq!(quota("0::/a.slice/b.service\n", TWO, &files), Some(1500));
        assert_eq!(quota("0::/other\n", TWO, &files), None);
    }

    #[test]
    fn version_2_in_a_container_reads_the_namespaces_root() {
        assert_eq!(quota("0::/\n", TWO, &[("/sys/fs/cgroup/cpu.max", "50000 100000\n")]), Some(500));
    }

    #[test]
    fn version_1_knows_minus_one_as_no_quota() {
        let mountinfo = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
        let period = ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
        let files = |quota| [("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", quota), period];
        assert_eq!(quota("4:cpu,cpuacct:/\n0::/\n", mountinfo, &files("-1\n")), None);
        assert_eq!(quota("4:cpu,cpuacct:/\n0::/\n", mountinfo, &files("200000\n")), Some(2000));
    }

    /// Docker on version 1 without a cgroup namespace: the path is the host's, the mount begins there.
    #[test]
    fn version_1_in_a_container_begins_at_the_mounts_root() {
        let mountinfo = "32 31 0:29 /docker/42 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        let files = [
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(quota("4:cpu:/docker/42\n", mountinfo, &files), Some(2500));
    }

    #[test]
    fn nonsense_is_no_quota() {
        assert_eq!(quota("", "", &[]), None);
        assert_eq!(quota("0::\n", TWO, &[("/sys/fs/cgroup/cpu.max", "1 0\n")]), None);
        assert_eq!(quota("::::", "- - -", &[]), None);
    }
}

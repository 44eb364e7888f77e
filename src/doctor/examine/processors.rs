//! Processors for us: the affinity mask and the cgroup's quota.

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::cgroup;
use crate::trace::Processors;

/// What there is; `None` where the kernel does not say.
pub fn examine() -> Option<Processors> {
    let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten()?;
    let online = u32::try_from(online).ok()?.max(1);
    // EINVAL on machines with more processors than a mask of the usual size holds: then nobody counts.
    let affinity = sched_getaffinity(Pid::from_raw(0)).map_or(online, |mask| {
        let set = (0..CpuSet::count()).filter(|cpu| mask.is_set(*cpu).unwrap_or(false)).count();
        u32::try_from(set).unwrap_or(online)
    });
    Some(Processors { online, affinity, quota_millicpus: cgroup::quota_millicpus() })
}

/// Processors that can be busy at once: the mask, and no more than the quota lasts for.
pub fn usable(processors: &Processors) -> u32 {
    let by_quota = processors.quota_millicpus.map_or(u64::MAX, |millicpus| millicpus.div_ceil(1000));
    u32::try_from(by_quota).unwrap_or(u32::MAX).min(processors.affinity).max(1)
}

#[cfg(test)]
mod tests {
    use super::usable;
    use crate::trace::Processors;

    #[test]
    fn a_quota_counts_as_the_processors_it_lasts_for() {
        let processors = |affinity, quota_millicpus| Processors { online: 8, affinity, quota_millicpus };
        assert_eq!(usable(&processors(4, None)), 4);
        assert_eq!(usable(&processors(4, Some(1500))), 2);
        assert_eq!(usable(&processors(1, Some(1500))), 1);
        assert_eq!(usable(&processors(8, Some(100))), 1);
    }
}

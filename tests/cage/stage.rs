//! The machines on which scenes are played.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::scene::Scene;

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

/// All flags of clone(2) and unshare(2) that make a namespace.
const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS) as u64;

/// A user on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Whoever runs the tests: root, often.
    Own,
    /// Nobody.
    Nobody,
    /// Whoever runs the tests, without namespaces.
    OwnWalled,
    /// Nobody, without namespaces.
    NobodyWalled,
    /// Nobody, without namespaces and Landlock.
    NobodyBare,
}

impl Stage {
    pub const ALL: [Self; 5] =
        [Self::Own, Self::Nobody, Self::OwnWalled, Self::NobodyWalled, Self::NobodyBare];

    pub const fn namespaces(self) -> bool {
        matches!(self, Self::Own | Self::Nobody)
    }

    pub const fn landlock(self) -> bool {
        !matches!(self, Self::NobodyBare)
    }

    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|stage| format!("{stage:?}") == name).unwrap()
    }

    /// What is taken away between fork and exec.
    pub fn prepare(self, command: &mut Command) {
        let nobody = !matches!(self, Self::Own | Self::OwnWalled);
        let filters: Vec<BpfProgram> = match self {
            Self::Own | Self::Nobody => Vec::new(),
            Self::OwnWalled | Self::NobodyWalled => vec![without_namespaces()],
            Self::NobodyBare => {
                vec![without_namespaces(), refusing(vec![(libc::SYS_landlock_create_ruleset, Vec::new())])]
            }
        };
        // SAFETY: only system calls on values that were made before.
        unsafe {
            command.pre_exec(move || {
                if nobody && geteuid().is_root() {
                    setgroups(&[])?;
                    setgid(Gid::from_raw(NOBODY))?;
                    setuid(Uid::from_raw(NOBODY))?;
                }
                filters.iter().try_for_each(|filter| {
                    seccompiler::apply_filter(filter).map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
                })
            });
        }
    }
}

fn without_namespaces() -> BpfProgram {
    let any_of = |argument| -> Vec<SeccompRule> {
        let flag = |bit: u64| {
            let set = SeccompCmpOp::MaskedEq(bit);
            let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, set, bit).unwrap();
            SeccompRule::new(vec![condition]).unwrap()
        };
        (0..64).map(|shift| 1 << shift).filter(|bit| NAMESPACES & bit != 0).map(flag).collect()
    };
    refusing(vec![(libc::SYS_unshare, any_of(0)), (libc::SYS_clone, any_of(0))])
}

fn refusing(rules: Vec<(libc::c_long, Vec<SeccompRule>)>) -> BpfProgram {
    let here = std::env::consts::ARCH.try_into().unwrap();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, refuse, here);
    filter.unwrap().try_into().unwrap()
}

/// Plays a scene everywhere.
pub fn play(scene: &str) {
    for stage in Stage::ALL {
        play_on(stage, scene);
    }
}

/// Plays a scene on one stage.
pub fn play_on(stage: Stage, scene: &str) {
    Scene::start(stage, scene).end();
}

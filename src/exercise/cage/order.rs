//! What is to be caged: the program, what it is given, and how much it may use.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

/// The environment variable that names the backends, `ADDR ADDR …`, for a program that connects to them.
pub const BACKENDS: &str = "IOLAB_BACKENDS";

/// A program to be caged.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its file; a path, never looked up in PATH.
    pub program: PathBuf,
    /// Its arguments behind its name.
    pub arguments: Vec<OsString>,
    /// Its whole environment; nothing is inherited. With a listener LISTEN_FDS=1 joins it, with backends
    /// [`BACKENDS`].
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs, and where it may write.
    pub directory: PathBuf,
    /// Other directories in which it may write; each must exist.
    pub writable: Vec<PathBuf>,
    /// What it may read and run beyond the system's own (/usr, /lib, /lib64, /bin, /sbin, /proc, the
    /// settings of loaders and linkers in /etc, the harmless files of /dev) and its file. What does not exist is passed over.
    pub readable: Vec<PathBuf>,
    /// Whether a listening socket on 127.0.0.1 is its descriptor 3, as with systemd's socket activation.
    pub listener: bool,
    /// How many listening sockets the *caller* gets, for the program to connect to.
    pub backends: usize,
    /// Whether the caller has the other end of its standard input; else it reads an end of file.
    pub stdin: bool,
    /// Where its standard output goes.
    pub stdout: Stdout,
    /// How much it may use.
    pub limits: Limits,
    /// What of a network it gets.
    pub network: Network,
}

/// Where the standard output of a program goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdout {
    /// To /dev/null.
    Dropped,
    /// Into a pipe whose end the caller takes and reads at its own pace.
    Piped,
    /// Is read and dropped but for its first so many bytes.
    Collected {
        /// How many bytes are kept.
        bytes_max: usize,
    },
}

/// What of a network a program gets, where the machine allows the cage one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Network {
    /// A loopback interface of its own.
    Own,
    /// Nothing: for builds.
    None,
}

/// How much a program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open descriptors of one process (RLIMIT_NOFILE).
    pub descriptors: u64,
    /// Threads of all its processes together; the workers of io_uring are among them.
    pub processes: u64,
    /// Memory in use by all its processes together. A single process cannot even reserve more than this and
    /// 8 MiB for each thread that it may have (RLIMIT_DATA).
    pub memory_bytes: u64,
    /// Size of one file, in memory or on disk (RLIMIT_FSIZE).
    pub file_bytes: u64,
    /// Processor time of one process, seconds (RLIMIT_CPU).
    pub cpu_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { descriptors: 1024, processes: 64, memory_bytes: 512 << 20, file_bytes: 1 << 30, cpu_s: 60 }
    }
}

impl Order {
    /// A program without arguments, environment, input or output, in a network of its own.
    pub fn new(program: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: directory.into(),
            writable: Vec::new(),
            readable: Vec::new(),
            listener: false,
            backends: 0,
            stdin: false,
            stdout: Stdout::Dropped,
            limits: Limits::default(),
            network: Network::Own,
        }
    }

    /// Tells the keeper: as its arguments (`cli/keeper.rs` reads them) and its environment, which the program
    /// inherits.
    pub(super) fn tell(&self, keeper: &mut Command) {
        keeper.arg("keeper").env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        keeper.arg("--directory").arg(&self.directory);
        for path in &self.writable {
            keeper.arg("--writable").arg(path);
        }
        for path in &self.readable {
            keeper.arg("--readable").arg(path);
        }
        if self.listener {
            keeper.arg("--listener");
        }
        let network = if self.network == Network::Own { "own" } else { "none" };
        keeper.args(["--network", network]);
        let Limits { descriptors, processes, memory_bytes, file_bytes, cpu_s } = self.limits;
        for (name, value) in [
            ("--backends", self.backends as u64),
            ("--descriptors", descriptors),
            ("--processes", processes),
            ("--memory-bytes", memory_bytes),
            ("--file-bytes", file_bytes),
            ("--cpu-s", cpu_s),
        ] {
            keeper.arg(name).arg(value.to_string());
        }
        keeper.arg("--").arg(&self.program).args(&self.arguments);
    }
}

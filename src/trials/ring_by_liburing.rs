//! Three ways to a ring, the third: with liburing, in C.
//!
//! The program is `ring.c` in lesson 3's folder. It is compiled where it runs, against
//! the liburing that is installed here, and loaded before the trial begins: what is seen
//! from outside is what liburing does, and no compiler and no loader.
//!
//! A folder that nobody else can get into holds it meanwhile, the compiler has half a minute,
//! and nothing of either is left behind. Where there is no C compiler or no liburing, the
//! lesson shows a recorded run.
//!
//! Seen from outside: the same calls as its siblings make.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::Permissions;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The program.
pub const SOURCE: &str = include_str!("../../lessons/03-io-uring-rings/ring.c");

/// How long the compiler may take, in ms: it needs a second, and a busy machine some more.
const PATIENCE: u16 = 30_000;

/// Its function: 0, or the negative errno of what failed.
type Ring = unsafe extern "C" fn() -> c_int;

/// The function, once it is loaded.
static RING: OnceLock<Ring> = OnceLock::new();

/// Compiles the program and loads it.
///
/// # Errors
/// There is no `cc`, or no liburing for it; the compiler's own words.
pub fn prepare() -> anyhow::Result<()> {
    // What is loaded runs as we do, so nobody else may put it there: the name is not to be
    // guessed, the folder new, and nobody else's business.
    let mut made = tempfile::Builder::new();
    made.prefix("iolab-ring-").permissions(Permissions::from_mode(0o700));
    let folder = made.tempdir().context("mkdir in the folder for temporary files")?;
    // Loaded code stays when its file is gone. The folder goes at the end of this function,
    // and on every way out before it.
    let ring = load(&compile(folder.path())?)?;
    // A second call in one process finds the first one's function there.
    RING.get_or_init(|| ring);
    Ok(())
}

/// Has `cc` make a library of it.
fn compile(folder: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (folder.join("ring.c"), folder.join("ring.so"));
    std::fs::write(&source, SOURCE).context("write ring.c")?;
    // -fPIC because it is loaded wherever there is room; -luring last, as it is looked for
    // in the order of the command line.
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-shared", "-fPIC"]).arg(&source).arg("-luring").arg("-o").arg(&library);
    // Its words are looked through below, in English. `cc` starts other programs for its
    // parts: in a group of their own they can be ended together.
    cc.env("LC_ALL", "C").process_group(0);
    // SAFETY: one call that allocates nothing. Nobody stays behind who was started here.
    unsafe { cc.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)) };
    cc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut cc = cc.spawn().context("cc: is a C compiler installed?")?;
    let says = hear(&mut cc);
    // It has ended, one way or the other. This takes its status, and leaves no zombie, before
    // anything else is looked at.
    let status = cc.wait().context("wait for cc")?;
    let says = says?;
    if !status.success() {
        bail!("cc: {}", diagnosis(&says));
    }
    Ok(library)
}

/// What the compiler says until it ends. One that takes too long is ended, with all that it
/// has started.
fn hear(cc: &mut Child) -> anyhow::Result<String> {
    let mut errors = cc.stderr.take().context("cc has no pipe")?;
    // Asked for nothing, poll(2) still tells of a hang-up: the last of those who could
    // write to the pipe has ended. Until then 64 KiB of complaints fit in, which is more than
    // this program can give rise to.
    let mut ended = [PollFd::new(errors.as_fd(), PollFlags::empty())];
    let heard = loop {
        match poll(&mut ended, PATIENCE) {
            Err(Errno::EINTR) => {}
            heard => break heard,
        }
    };
    if heard != Ok(1) {
        // Fails only when all of them have just ended.
        let _ = killpg(Pid::from_raw(cc.id() as i32), Signal::SIGKILL);
        bail!("cc did not end within {} s", PATIENCE / 1000);
    }
    let mut says = Vec::new();
    errors.read_to_end(&mut says).context("read from cc")?;
    Ok(String::from_utf8_lossy(&says).into_owned())
}

/// The line that names what is missing: the header, in the compiler's words, or the library, in
/// the linker's. The lines after them only say that something has failed.
fn diagnosis(says: &str) -> &str {
    let with = |words: &str| says.lines().find(|line| line.contains(words));
    let line = with("cannot find").or_else(|| with("fatal error")).or_else(|| with("error"));
    line.unwrap_or("it failed").trim()
}

/// Finds the function in it.
fn load(library: &Path) -> anyhow::Result<Ring> {
    let path = CString::new(library.as_os_str().as_encoded_bytes()).context("a path with a NUL in it")?;
    // RTLD_NOW: whatever it calls in liburing is found here, and not while it is watched.
    // SAFETY: a library of our own making; nothing runs when it is loaded.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    ensure!(!handle.is_null(), "dlopen: {}", reason());
    // SAFETY: the handle is valid, and the name ends with a NUL.
    let symbol = unsafe { libc::dlsym(handle, c"ring".as_ptr()) };
    ensure!(!symbol.is_null(), "dlsym: {}", reason());
    // SAFETY: ring.c defines it so: int ring(void).
    Ok(unsafe { std::mem::transmute::<*mut libc::c_void, Ring>(symbol) })
}

/// Why the loader failed.
fn reason() -> String {
    // SAFETY: asked right after a failure, by the thread that met it.
    let says: *const c_char = unsafe { libc::dlerror() };
    if says.is_null() {
        return String::new();
    }
    // SAFETY: a text that stays until the next call.
    unsafe { CStr::from_ptr(says) }.to_string_lossy().into_owned()
}

/// Sends the operations through liburing's ring.
pub fn run() -> anyhow::Result<()> {
    if RING.get().is_none() {
        // Alone, not in the lab: then it is compiled now.
        prepare()?;
    }
    let ring = RING.get().context("ring.c was not loaded")?;
    // ANCHOR: point
    // SAFETY: it takes nothing, and leaves nothing behind.
    let result = unsafe { ring() };
    ensure!(result == 0, "ring.c: {}", std::io::Error::from_raw_os_error(-result));
    // ANCHOR_END: point
    Ok(())
}

//! Three ways to a ring, the third: with liburing, in C.
//!
//! The program is `ring.c` in lesson 3's folder. It is compiled where it runs, against
//! the liburing that is installed here, and loaded before the trial begins: what is seen
//! from outside is what liburing does, and no compiler and no loader.
//!
//! Where there is no C compiler or no liburing, the lesson shows a recorded run.
//!
//! Seen from outside: the same calls as its siblings make.

use std::ffi::{CStr, CString, c_char, c_int};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, bail, ensure};

/// The program.
pub const SOURCE: &str = include_str!("../../lessons/03-io-uring-rings/ring.c");

/// Its function: 0, or the negative errno of what failed.
type Ring = unsafe extern "C" fn() -> c_int;

/// The function, once it is loaded.
static RING: OnceLock<Ring> = OnceLock::new();

/// Compiles the program and loads it.
///
/// # Errors
/// There is no `cc`, or no liburing for it; the compiler's own words.
pub fn prepare() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("iolab-ring-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("mkdir {}", folder.display()))?;
    let loaded = compile(&folder).and_then(|library| load(&library));
    // Loaded code stays when its file is gone.
    let _ = std::fs::remove_dir_all(&folder);
    // A second call in one process finds the first one's function there.
    let ring = loaded?;
    RING.get_or_init(|| ring);
    Ok(())
}

/// Has `cc` make a library of it.
fn compile(folder: &std::path::Path) -> anyhow::Result<std::path::PathBuf> {
    let (source, library) = (folder.join("ring.c"), folder.join("ring.so"));
    std::fs::write(&source, SOURCE).context("write ring.c")?;
    // -fPIC because it is loaded wherever there is room; -luring last, as it is looked for
    // in the order of the command line.
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-shared", "-fPIC"]).arg(&source).arg("-luring").arg("-o").arg(&library);
    let said = cc.stdin(Stdio::null()).output().context("cc: is a C compiler installed?")?;
    if !said.status.success() {
        let says = String::from_utf8_lossy(&said.stderr);
        bail!("cc: {}", says.lines().find(|line| line.contains("error")).unwrap_or("it failed").trim());
    }
    Ok(library)
}

/// Finds the function in it.
fn load(library: &std::path::Path) -> anyhow::Result<Ring> {
    let path = CString::new(library.as_os_str().as_encoded_bytes()).context("a path with a NUL in it")?;
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

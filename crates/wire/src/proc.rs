//! The files of /proc that tell about sockets and the processes behind them, one module each.
//!
//! The formats are those of the kernel's Documentation/filesystems/proc.rst and proc(5). Every parser takes the whole
//! content of its file as bytes, since names in it are bytes.

pub mod fd_link; // /proc/PID/fd/N and /proc/PID/ns/*: what a link names
pub mod limits; // /proc/PID/limits: how many descriptors
pub mod mountinfo; // /proc/PID/mountinfo: which file system is where
pub mod net_unix; // /proc/net/unix: the sockets, where netlink is not allowed
pub mod stat; // /proc/PID/stat: when a process started
pub mod status; // /proc/PID/status: who a process is

mod text; // fields and numbers

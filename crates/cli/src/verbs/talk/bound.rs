//! The flags of a verb that makes a socket, and what they resolve to.

use sockeye_address::{Mode, UnixAddress};
use sockeye_privilege::{find_group, find_user};
use sockeye_socket::{BindOptions, Life, TakeOver};

use crate::error::Error;

/// How the socket is made.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct BoundArguments {
    /// Permission bits of the socket file, such as 660 [default: by the umask; 660 with --group]
    #[arg(long, value_name = "BITS", value_parser = mode, help_heading = "Socket file")]
    pub mode: Option<Mode>,
    /// Owner of the socket file, by name or number
    #[arg(long, value_name = "USER", help_heading = "Socket file")]
    pub user: Option<String>,
    /// Group of the socket file, by name or number
    #[arg(long, value_name = "GROUP", help_heading = "Socket file")]
    pub group: Option<String>,
    /// Clients that may wait to be accepted [default: 4096]
    #[arg(long, value_name = "CLIENTS", help_heading = "Socket file")]
    pub backlog: Option<u32>,
    /// Take the address over from whoever serves it
    #[arg(long, help_heading = "Socket file")]
    pub force: bool,
}

fn mode(digits: &str) -> Result<Mode, &'static str> {
    Mode::parse(digits).ok_or("expected octal permission bits such as 660")
}

/// Who may use a socket that only a group is meant to use.
const GROUP_MODE: Option<Mode> = Mode::new(0o660);

impl BoundArguments {
    /// Flags win over the options of the address.
    pub(crate) fn resolve(&self, address: &UnixAddress, life: Life) -> Result<BindOptions, Error> {
        let options = &address.options;
        let user = self
            .user
            .as_deref()
            .or(options.user.as_deref())
            .map(uid)
            .transpose()?;
        let group = self
            .group
            .as_deref()
            .or(options.group.as_deref())
            .map(gid)
            .transpose()?;
        let mode = self
            .mode
            .or(options.mode)
            .or(if group.is_some() { GROUP_MODE } else { None });
        let is_file = address.name.as_path().is_some();
        if !is_file && (mode.is_some() || user.is_some()) {
            let problem = format!(
                "listen on {address}: an abstract name has no file, so no mode and no owner"
            );
            return Err(Error::usage(problem).remedy("use a path to decide who may connect"));
        }
        if !is_file && self.force {
            let problem = format!("listen on {address}: an abstract name cannot be taken over");
            return Err(Error::usage(problem).remedy("end the program that holds it"));
        }
        let take_over = if self.force {
            TakeOver::Always
        } else {
            TakeOver::Stale
        };
        let bind = BindOptions::new()
            .mode(mode)
            .owner(user, group)
            .take_over(take_over)
            .life(life);
        Ok(match self.backlog.or(options.backlog) {
            Some(clients) => bind.backlog(clients),
            None => bind,
        })
    }
}

fn uid(name: &str) -> Result<u32, Error> {
    match find_user(name).map_err(Error::failure)? {
        Some(user) => Ok(user.uid),
        None => Err(Error::usage(format!("find user {name}: there is none"))),
    }
}

fn gid(name: &str) -> Result<u32, Error> {
    match find_group(name).map_err(Error::failure)? {
        Some(group) => Ok(group.gid),
        None => Err(Error::usage(format!("find group {name}: there is none"))),
    }
}

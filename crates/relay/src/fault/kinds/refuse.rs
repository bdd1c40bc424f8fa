//! `refuse`: a client is closed before anything passes, and no target is connected.

use super::cut::{self, Puts};
use crate::fault::kind::{Kind, Scope};

pub(super) static KIND: Kind = Kind {
    name: "refuse",
    help: "a new client is closed at once, with what it sent unread",
    scope: Scope::Client,
    parameters: &[],
    read: |typed| cut::read(typed, Puts::Reset),
};

#[cfg(test)]
mod tests {
    use crate::fault::tests::settings;

    #[test]
    fn every_client_is_refused() {
        let settings = settings(&["refuse"], 1);
        assert!((0..100).all(|client| settings.refuses(client)));
    }

    #[test]
    fn a_share_of_the_clients_is_refused_and_the_same_with_the_same_seed() {
        let refused = |seed| -> Vec<u64> {
            let settings = settings(&["refuse,probability=0.3"], seed);
            (0..10_000)
                .filter(|client| settings.refuses(*client))
                .collect()
        };
        assert!((2_850..3_150).contains(&refused(1).len()));
        assert_eq!(refused(1), refused(1));
        assert_ne!(refused(1), refused(2));
    }
}

//! `--explain`: the life of a socket as it happens.

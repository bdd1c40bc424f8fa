//! Columns for people.

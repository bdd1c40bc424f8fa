//! The JSON documents that docs/json.md describes.

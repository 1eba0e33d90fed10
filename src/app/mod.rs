//! The egui application: one panel per file. The only room that knows egui.

"""Where insider trades come from: one file each, with a thin `fetch` and a pure `parse`."""

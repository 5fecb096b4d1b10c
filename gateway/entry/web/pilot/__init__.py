"""Pages of who pilots: how often handoffs happen in time, where they break, and since when."""

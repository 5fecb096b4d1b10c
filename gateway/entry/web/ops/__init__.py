"""Pages of those who run the gateway: feeds, quarantine, deliveries; and of its auditor."""

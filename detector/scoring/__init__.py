"""Evidence: log-likelihood ratios in 1/1024 nat, from frozen tables and the rows' own state."""

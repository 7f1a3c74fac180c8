"""Looking into data lakes: what there is, without sending anything anywhere."""

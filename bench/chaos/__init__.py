"""The chaos run: the whole of Onhand as processes under faults and kills, and then a judgement that shares nothing."""

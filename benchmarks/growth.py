"""x"""
import pathlib
MIXES=("basic","spreading, preferred"); NODES=(500,1000,2000,5000,10000,15000)
FILE=pathlib.Path("/tmp/growth.svg")
def drawn(x): return ""

"""The script that mitmdump loads. It has a folder of its own because mitmproxy puts a script's folder first on its module path."""

declare module 'virtual:chart-style.css';
